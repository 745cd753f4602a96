"""What a PE image is beyond its kind: a .NET assembly, a driver, a boot program, resources only, hybrid, packed.

Sources: ECMA-335 II.25; "PE Format" for subsystems; Linux Documentation/arch/x86/boot.rst and arm64/booting.rst for
kernels with an EFI header; the section names packers give (corkami, "Packers"); Go cmd/link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.binary.go import BUILD_ID, BUILD_INFO, build_version
from loadstone.binary.languages import AOT_HEADER, MAX_SEARCHED, dotnet_host, language_of_texts
from loadstone.binary.packing import looks_packed
from loadstone.binary.pe.exports import Exports
from loadstone.binary.pe.facts import ClrHeader, ClrKind, Hybrid
from loadstone.binary.pe.headers import SectionHeader
from loadstone.binary.pe.imports import ImportedModule
from loadstone.binary.pe.layout import (
    BOOT_SUBSYSTEMS,
    SUBSYSTEMS,
    Characteristics,
    DirectoryIndex,
    SectionFlags,
    runtime_system,
)
from loadstone.binary.pe.view import PeView
from loadstone.core.counting import counted
from loadstone.core.image import Trait, TraitKind

__all__ = ["traits"]

_NATIVE: Final = 1
_KERNEL_MODULES: Final = frozenset({"ntoskrnl.exe", "hal.dll", "ndis.sys", "wdfldr.sys", "win32k.sys"})
_CLR: Final = {
    ClrKind.IL_ONLY: TraitKind.IL_ONLY,
    ClrKind.MIXED: TraitKind.MIXED,
    ClrKind.READY_TO_RUN: TraitKind.READY_TO_RUN,
}
_KERNEL_MARKS: Final = ((0x202, b"HdrS"), (0x38, b"ARM\x64"), (0x38, b"RSC\x05"))  # x86, arm64, RISC-V

_PACKERS: Final = {
    "UPX0": "UPX", "UPX1": "UPX", ".aspack": "ASPack", ".adata": "ASPack", "MPRESS1": "MPRESS", ".MPRESS1": "MPRESS",
    ".petite": "Petite", "PEC2": "PECompact", "PEC2TO": "PECompact", "pec1": "PECompact", "nsp0": "NsPack",
    ".nsp0": "NsPack", ".themida": "Themida", ".winlice": "WinLicense", ".vmp0": "VMProtect", ".vmp1": "VMProtect",
    ".enigma1": "Enigma", ".perplex": "Perplex", ".yP": "Y0da", ".ccg": "CCG", "kkrunchy": "kkrunchy",
    "FSG!": "FSG", ".packed": "a packer", "RLPack": "RLPack", ".RLPack": "RLPack", "ProCrypt": "ProCrypt",
    ".svkp": "SVKP", ".MaskPE": "MaskPE", ".neolit": "NeoLite", "PEBundle": "PEBundle", "PELOCKnt": "PELock",
    ".shrink1": "Shrinker", ".tElock": "tElock", "WWPACK": "WWPACK", ".WWPACK": "WWPACK", ".Upack": "Upack",
    ".ByDwing": "Upack", "BitArts": "Crunch", "DAStub": "DAStub", ".charmve": "PIN", "!EPack": "EPack",
}  # fmt: skip
"""Section names that only a packer gives."""

_UNPACKERS_OWN: Final = frozenset({"LoadLibraryA", "GetProcAddress"})
"""What the stub finds the program's own imports with."""
_FEW_IMPORTS: Final = 12


def traits(
    view: PeView, clr: ClrHeader | None, hybrid: Hybrid, modules: tuple[ImportedModule, ...], exports: Exports
) -> tuple[Trait, ...]:
    """Everything that holds of the image, the most telling first."""
    return (
        *_purpose(view, modules),
        *_clr(view, clr),
        *_hybrid(view, hybrid),
        *_contents(view, clr, exports),
        *_packed(view, clr, modules),
        *_language(view, clr, exports.names),
    )


def _purpose(view: PeView, modules: tuple[ImportedModule, ...]) -> Iterator[Trait]:
    headers, start = view.headers, view.cursor.start
    place = headers.optional_offset + 68
    kernel = next((at for at, mark in _KERNEL_MARKS if view.cursor.upto(start + at, len(mark)) == mark), None)
    if headers.subsystem in BOOT_SUBSYSTEMS and kernel is not None:
        yield Trait(TraitKind.KERNEL, "its boot header, and an EFI subsystem", start + kernel)
    elif headers.subsystem in BOOT_SUBSYSTEMS:
        yield Trait(TraitKind.BOOTABLE, "the subsystem", place, SUBSYSTEMS[headers.subsystem])
    elif headers.subsystem == _NATIVE:
        module = next((m for m in modules if m.name.lower() in _KERNEL_MODULES), None)
        if module is not None:
            yield Trait(TraitKind.DRIVER, f"native subsystem, imports {module.name}", module.offset)


def _clr(view: PeView, clr: ClrHeader | None) -> Iterator[Trait]:
    if clr is not None:
        system = runtime_system(view.headers.machine)
        name = ", ".join(filter(None, (clr.runtime, system and f"for {system}")))
        yield Trait(_CLR[clr.kind], f"CLR header with flags {clr.flags:#x}", clr.offset, name)


def _hybrid(view: PeView, hybrid: Hybrid) -> Iterator[Trait]:
    if hybrid is not Hybrid.NONE:
        entry = view.headers.directory(DirectoryIndex.LOAD_CONFIG)
        place = entry.entry_offset if entry else view.headers.offset
        yield Trait(TraitKind.HYBRID, "CHPE metadata in the load configuration", place, hybrid.value)


def _code(view: PeView) -> SectionHeader | None:
    return next((s for s in view.sections if s.flags & SectionFlags.EXECUTE), None)


def _contents(view: PeView, clr: ClrHeader | None, exports: Exports) -> Iterator[Trait]:
    """What an image is for whose code, if it has any, is reached by neither the loader nor a caller."""
    headers, forwarded = view.headers, {position for position, _ in exports.forwards}
    is_library = headers.characteristics & Characteristics.DLL  # a program without an entry point begins at its header
    if not is_library or headers.entry_point or clr is not None or headers.directory(DirectoryIndex.TLS) is not None:
        return
    own = [address for position, address in enumerate(exports.addresses) if position not in forwarded]
    if any(view.executable(own)):
        return
    without = "no section with code" if _code(view) is None else "none of its code is exported"
    if forwarded and not own:
        yield Trait(TraitKind.FORWARDS, f"no entry point, and every export is forwarded; {without}", headers.offset)
    elif own or headers.directory(DirectoryIndex.RESOURCE) is None:
        yield Trait(TraitKind.DATA, f"no entry point, {without}", headers.offset)
    else:
        yield Trait(TraitKind.RESOURCES, f"resources, no entry point, {without}", headers.offset)


def _language(view: PeView, clr: ClrHeader | None, exported: Sequence[str]) -> Iterator[Trait]:
    code, sections = _code(view), {s.name: s for s in reversed(view.sections)}
    if clr is not None or code is None:
        return
    data, at = _begin(view, sections.get(".data"))
    if AOT_HEADER in exported or ".managed" in sections:
        why = f"export {AOT_HEADER}" if AOT_HEADER in exported else "section .managed"
        yield Trait(TraitKind.NATIVE_AOT, why, view.headers.offset)
    elif host := dotnet_host(data, at):
        yield host
    elif data.startswith(BUILD_INFO):
        yield Trait(TraitKind.GO, "build information at the beginning of its data", at, build_version(data[:256]))
    elif view.cursor.upto(code.offset, len(BUILD_ID)) == BUILD_ID:
        yield Trait(TraitKind.GO, "the build ID at the beginning of its code", code.offset)
    elif ".symtab" in sections:
        why = "section .symtab, which no other link editor gives a PE file"
        yield Trait(TraitKind.GO, why, sections[".symtab"].header_offset)
    elif told := language_of_texts(*_begin(view, sections.get(".rdata"))):
        yield told


def _begin(view: PeView, section: SectionHeader | None) -> tuple[bytes, int]:
    """Bytes and offset of what a section begins with."""
    if section is None:
        return b"", 0
    return view.cursor.upto(section.offset, min(section.mapped, MAX_SEARCHED)), section.offset


def _packed(view: PeView, clr: ClrHeader | None, modules: tuple[ImportedModule, ...]) -> Iterator[Trait]:
    section = next((s for s in view.sections if s.name in _PACKERS), None)
    if section is not None:
        yield Trait(TraitKind.PACKED, f"section {section.name}", section.header_offset, _PACKERS[section.name])
    elif clr is None and view.headers.entry_point and view.headers.subsystem not in BOOT_SUBSYSTEMS:
        # IL has resources beside it, and what firmware starts is put together by hand
        entered = next((s for s in view.sections if s.address <= view.headers.entry_point < s.reach), None)
        code = (entered.offset, entered.mapped) if entered else (view.cursor.start, 0)
        shape = looks_packed(_signs(view, entered, modules), view.cursor, code)
        yield from filter(None, [shape])


def _signs(view: PeView, entered: SectionHeader | None, modules: tuple[ImportedModule, ...]) -> Iterator[str]:
    """What a link editor does not do, and the stub of a packer needs."""
    both = SectionFlags.WRITE | SectionFlags.EXECUTE
    if entered is None:
        yield "the entry point in no section"
    elif entered.flags & both != SectionFlags.EXECUTE:
        yield f"the entry point in a section that is {'writable' if entered.flags & SectionFlags.WRITE else 'no code'}"
    first = view.sections[0] if view.sections else None
    if first is not None and first is not entered and not first.raw_size:
        yield "room for what is unpacked in the first section"
    names = {name for module in modules[:_FEW_IMPORTS] for name in module.names[: _FEW_IMPORTS + 1]}
    if len(names) <= _FEW_IMPORTS and names >= _UNPACKERS_OWN:
        yield f"{counted(len(names), 'import')}, LoadLibraryA and GetProcAddress among them"
