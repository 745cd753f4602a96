"""What is in a file, as text: the same words for ELF, PE and Mach-O. The first line says what it is."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from loadstone.binary import shadowing
from loadstone.binary.demangle import demangle
from loadstone.binary.elf.facts import ElfFacts
from loadstone.binary.elf.pages import page_sizes
from loadstone.core.counting import counted
from loadstone.core.image import (
    CheckState,
    Dependency,
    DependencyKind,
    Format,
    HardeningFact,
    Image,
    ImageKind,
    ImageSymbol,
    Initialiser,
    SymbolKind,
    TraitKind,
)
from loadstone.errors import LoadstoneError
from loadstone.escape import printable
from loadstone.report.text.style import Style, columns

if TYPE_CHECKING:
    from loadstone.binary.elf.core import CoreDump

__all__ = ["render", "render_unread"]

_FORMATS = {Format.ELF: "ELF", Format.PE: "PE", Format.MACHO: "Mach-O"}

_LIBRARIES = {Format.ELF: "shared object", Format.PE: "DLL", Format.MACHO: "dylib"}

_IDENTITIES = {Format.ELF: "SONAME", Format.PE: "DLL name", Format.MACHO: "install name"}

_KINDS = {
    ImageKind.DEBUG: "separate debug information",
    ImageKind.OBJECT: "object file",
    ImageKind.CORE: "core dump",
    ImageKind.OTHER: "file of another kind",
}

_MARKS = {
    CheckState.PRESENT: "+",
    CheckState.PARTIAL: "~",
    CheckState.ABSENT: "-",
    CheckState.UNKNOWN: "?",
    CheckState.NOT_APPLICABLE: " ",
}

_SHOWN = 8  # of anything countable, without -v


def render(image: Image, style: Style, *, verbose: int = 0) -> str:
    """The whole text; ``verbose`` 1 adds every name and segment, 2 sections and notes."""
    blocks = [
        [_headline(image, style), *columns(_identity(image))],
        _dependencies(image, style, verbose),
        _exports(image, style, verbose),
        _hardening(image, style, verbose),
        _at_load(image, style, verbose),
        _layout(image, style, verbose),
        _damage(image, style),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_unread(path: str, error: LoadstoneError, style: Style) -> str:
    """One line for a file there is no image of, and what to do about it."""
    lines = [f"{style.bold(printable(path))}: {style.bad('not read')}", f"  {error.message}"]
    return "\n".join([*lines, *([f"  {error.advice}"] if error.advice else [])]) + "\n"


def _headline(image: Image, style: Style) -> str:
    name = f", {_IDENTITIES[image.format]} {style.bold(printable(image.identity))}" if image.identity else ""
    broken = f", {style.bad('damaged')}" if image.damage else ""
    traits = "".join(f", {printable(str(trait))}" for trait in image.traits if trait.kind not in _KINDS_OF_OBJECT)
    container = "COFF" if (image.format, image.kind) == (Format.PE, ImageKind.OBJECT) else _FORMATS[image.format]
    what = f"{container} {_kind(image)} for {image.machine.name}"
    return f"{style.bold(printable(image.path or 'bytes'))}: {what}{traits}{name}{broken}"


_KINDS_OF_OBJECT = frozenset({TraitKind.KERNEL_MODULE, TraitKind.KERNEL, TraitKind.DRIVER, TraitKind.BOOTABLE})
"""Traits that say what the file is for, in place of its kind."""


def _kind(image: Image) -> str:
    trait = image.trait(*_KINDS_OF_OBJECT)
    if trait is not None:
        return printable(str(trait))
    return _LIBRARIES[image.format] if image.kind is ImageKind.SHARED else _KINDS.get(image.kind, image.kind.value)


def _identity(image: Image) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("size", f"{image.size:,} bytes, {image.bits}-bit, {image.byte_order}-endian")]
    if image.slice_offset:
        rows.append(("part of", f"a larger file, from offset {image.slice_offset:#x}"))
    if image.build_id:
        rows.append(("build id", image.build_id))
    if image.interpreter:
        rows.append(("loader", printable(image.interpreter)))
    for kind, group in groupby(image.search_dirs, key=lambda d: d.kind):
        places = ":".join(printable(d.text) or "(the current directory)" for d in group)
        rows.append((kind.value.upper(), places))
    sizes = page_sizes(image)
    if sizes:
        rows.append(("pages", "fits kernels with pages of " + ", ".join(f"{size >> 10} KB" for size in sizes)))
    if isinstance(image.native, ElfFacts):
        rows += [
            (printable(key, 40), printable(value, 200)) for key, value in image.native.module_info if key in _MODULE
        ]
        rows += _process(image.native.core) if image.native.core else []
    return rows


def _process(core: CoreDump) -> list[tuple[str, ...]]:
    """What a core dump says of the process it shows."""
    name = _SIGNALS.get(core.signal)
    rows: list[tuple[str, ...]] = [("command", printable(core.command, 200))] if core.command else []
    if core.signal:
        rows.append(("signal", f"{core.signal} ({name})" if name else str(core.signal)))
    shown = core.files[:_SHOWN]
    rows += [("mapped", printable(path, 200)) for path in shown]
    if len(core.files) > len(shown):
        rows.append(("mapped", f"{len(core.files) - len(shown)} more files: `loadstone loaded` has them all"))
    return rows


_SIGNALS = {3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV"}
"""Those that have this number on every processor Linux runs on."""


_MODULE = frozenset({"name", "license", "description", "version", "vermagic", "depends", "alias"})


def _heading(style: Style, word: str, summary: str) -> str:
    return f"{style.heading(word)}  {summary}"


def _dependencies(image: Image, style: Style, verbose: int) -> list[str]:
    imports = image.imports
    if not image.needed and not imports:
        return []
    lines = [
        _heading(
            style,
            "Dependencies",
            f"{counted(len(image.needed), 'library', 'libraries')}, {counted(len(imports), 'import')}",
        )
    ]
    versions: dict[str, list[str]] = {}
    for need in image.version_needs:
        versions.setdefault(need.file, []).append(need.name)
    shown = image.needed if verbose else image.needed[: 2 * _SHOWN]
    lines += columns([_needed(d, versions.get(d.name, []), verbose) for d in shown])
    lines += _left_out(len(image.needed) - len(shown), style)
    if verbose:
        lines += ["  symbols", *columns([_symbol(s) for s in imports], indent="    ")]
    return lines


def _needed(dependency: Dependency, versions: list[str], verbose: int) -> tuple[str, ...]:
    notes = []
    if dependency.kind is not DependencyKind.NEEDED:
        notes.append(dependency.kind.value)
    if dependency.virtual:
        notes.append("an API set, not a file")
    if dependency.feature:
        notes.append(f"for {printable(dependency.feature)}")
    if dependency.current_version:
        notes.append(f"version {dependency.current_version}, at least {dependency.compatibility_version}")
    if dependency.symbols:
        notes.append(counted(len(dependency.symbols), "symbol"))
    if versions:
        few = sorted(versions, key=_by_number)
        few = few if verbose or len(few) <= 4 else [few[0], "...", few[-1]]
        notes.append(", ".join(printable(v, 80) for v in few))
    return printable(dependency.name), "; ".join(notes)


def _by_number(version: str) -> list[tuple[int, str]]:
    """``GLIBC_2.14`` after ``GLIBC_2.4``."""
    parts = version.replace("_", ".").split(".")
    return [(int(p), "") if p.isascii() and p.isdigit() and len(p) < 10 else (-1, p) for p in parts]


def _exports(image: Image, style: Style, verbose: int) -> list[str]:
    standing_for_versions = {d.name for d in image.version_definitions}
    exports = [s for s in image.exports if s.value or s.name not in standing_for_versions]
    if not exports:
        return []
    counts = Counter(s.kind for s in exports)
    words = [counted(counts[kind], word) for kind, word in _NOUNS.items() if counts[kind]]
    lines = [_heading(style, "Exports", ", ".join(words))]
    versions = [d.name for d in image.version_definitions if not d.base]
    if versions:
        shown = versions if verbose else versions[:_SHOWN]
        more = f" and {len(versions) - len(shown)} more" if len(shown) < len(versions) else ""
        lines.append(f"  in {counted(len(versions), 'version')}: {', '.join(printable(v, 80) for v in shown)}{more}")
    forwards = sum(s.forward is not None for s in exports)
    if forwards:
        lines.append(f"  {counted(forwards, 'symbol')} forwarded to other modules")
    shadows = [s.name for s in shadowing(image)]
    if shadows:
        shown = shadows if verbose else shadows[:_SHOWN]
        more = f" and {len(shadows) - len(shown)} more" if len(shown) < len(shadows) else ""
        lines.append(f"  {style.warn('in place of the C library')}: {', '.join(shown)}{more}")
    if verbose:
        lines += columns([_symbol(s) for s in exports], indent="    ")
    return lines


_NOUNS = {
    SymbolKind.FUNCTION: "function",
    SymbolKind.OBJECT: "object",
    SymbolKind.TLS: "thread-local object",
    SymbolKind.IFUNC: "indirect function",
    SymbolKind.UNTYPED: "symbol",
    SymbolKind.COMMON: "common symbol",
    SymbolKind.SECTION: "section symbol",
    SymbolKind.FILE: "file symbol",
    SymbolKind.OTHER: "other symbol",
}


def _symbol(symbol: ImageSymbol) -> tuple[str, ...]:
    name = printable(demangle(symbol.name), 400)
    if symbol.version:
        name += ("@@" if symbol.exported and symbol.version.is_default else "@") + printable(symbol.version.name, 80)
    origin = symbol.library or (symbol.version.file if symbol.version else None)
    notes = [symbol.kind.value if symbol.kind is not SymbolKind.UNTYPED else "", symbol.binding.value]
    if origin:
        notes.append(f"from {printable(origin, 80)}")
    if symbol.forward:
        notes.append(f"forwarded to {printable(symbol.forward, 80)}")
    address = f"{symbol.value:#x}" if symbol.defined else ""
    return (address or "-", name, " ".join(n for n in notes if n and n != "global"))


def _hardening(image: Image, style: Style, verbose: int) -> list[str]:
    if not image.hardening:
        return []
    counts = Counter(fact.state for fact in image.hardening)
    summary = ", ".join(f"{counts[state]} {state.value}" for state in CheckState if counts[state])
    asked = [f for f in image.hardening if verbose or f.state is not CheckState.NOT_APPLICABLE]
    lines = [_heading(style, "Hardening", summary), *columns([_fact(fact, style) for fact in asked])]
    return lines if verbose else [*lines, *_not_applicable(image.hardening)]


def _not_applicable(facts: tuple[HardeningFact, ...]) -> list[str]:
    """One line for each reason why a question does not apply, with the questions."""
    by_reason: dict[str, list[str]] = {}
    for fact in facts:
        if fact.state is CheckState.NOT_APPLICABLE:
            by_reason.setdefault(fact.detail, []).append(fact.name)
    return [f"    does not apply: {', '.join(names)} ({printable(why)})" for why, names in by_reason.items()]


def _fact(fact: HardeningFact, style: Style) -> tuple[str, ...]:
    mark = f"{_MARKS[fact.state]} {fact.name}"
    return mark, f"{printable(fact.sentence)}  {style.dim(f'[@{fact.location.start:#x}]')}"


def _at_load(image: Image, style: Style, verbose: int) -> list[str]:
    running = [i for i in image.initialisers if not i.final]
    if not running:
        return []
    counts = Counter(i.kind for i in running)
    summary = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    shown = running if verbose else running[:_SHOWN]
    lines = [_heading(style, "Runs at load", summary), *columns([_initialiser(i) for i in shown])]
    return lines + _left_out(len(running) - len(shown), style)


def _initialiser(one: Initialiser) -> tuple[str, ...]:
    return one.kind, f"{one.address:#x}", printable(one.symbol, 200)


def _layout(image: Image, style: Style, verbose: int) -> list[str]:
    lines: list[str] = []
    if verbose:
        rows: list[tuple[str, ...]] = [
            (printable(s.kind), s.flags, f"{s.offset:#x}+{s.file_size:#x}", f"at {s.address:#x}")
            for s in image.segments
        ]
        lines = [_heading(style, "Segments", str(len(rows))), *columns(rows)]
    if verbose > 1:
        parts: list[tuple[str, ...]] = [
            (printable(s.name), s.kind, s.flags, f"{s.offset:#x}+{s.size:#x}") for s in image.sections
        ]
        notes: list[tuple[str, ...]] = [
            (printable(n.owner), f"{n.kind:#x}", f"{n.offset:#x}+{n.size:#x}") for n in image.notes
        ]
        lines += ["", _heading(style, "Sections", str(len(parts))), *columns(parts)]
        lines += ["", _heading(style, "Notes", str(len(notes))), *columns(notes)]
    return lines


def _damage(image: Image, style: Style) -> list[str]:
    if not image.damage:
        return []
    summary = "contradicts the file format"
    rows: list[tuple[str, ...]] = [
        (f"@{d.offset:#x}", printable(d.field), printable(d.what) + (" (a loader fails here too)" if d.fatal else ""))
        for d in image.damage
    ]
    return [_heading(style, style.bad("Damage"), summary), *columns(rows)]


def _left_out(count: int, style: Style) -> list[str]:
    return [style.dim(f"  and {count} more; -v shows them")] if count > 0 else []
