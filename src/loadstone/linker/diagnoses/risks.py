"""What does not stop the load and may bite later."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from loadstone.binary.transfers import AS_BINARY, changed_as_text
from loadstone.core.claims import Confidence, Location, Severity
from loadstone.core.trace import Diagnosis
from loadstone.linker.diagnoses.case import SimulatedLoad, leaf, risk
from loadstone.linker.diagnoses.environments import reinstall
from loadstone.linker.diagnoses.preloads import ignored_preloads
from loadstone.linker.diagnoses.whereabouts import names_in
from loadstone.linker.extension import FROM_HOST
from loadstone.linker.mapping import wants_executable_stack
from loadstone.linker.objects import LoadedObject
from loadstone.linker.openers import is_threaded, module_version, python_version
from loadstone.linker.thread_storage import reserve_of
from loadstone.shell import quoted_path

__all__ = ["RISKS"]

_SAID_BY_PYTHON: Final = b"Fatal Python error"
"""A text of every interpreter, which what is linked with it has in it."""
_THREADED: Final = re.compile(r"/lib(?:64)?/python\d\.\d+t/")
_ALWAYS_FITS: Final = 64
"""Bytes of static thread-local storage that have room in practice, whatever was loaded before."""


def _static_tls(case: SimulatedLoad) -> Iterator[Diagnosis]:
    mine = {id(o) for o in case.searchlist}
    for loaded, need, left in case.process.granted:
        if id(loaded) not in mine or not _ALWAYS_FITS < need <= left:
            continue
        text = (
            f"{leaf(loaded.path)} takes {need} bytes of static thread-local storage; of the"
            f" {max(reserve_of(case.model), left)} that all libraries loaded after the start share, {left} are left"
            " here: less may be elsewhere."
        )
        yield risk(
            "static-tls",
            loaded.path,
            text,
            "load it early (LD_PRELOAD, or first import), or GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384",
            evidence=(_segment(loaded, "TLS"),),
            chain=loaded.chain,
            confidence=Confidence.POSSIBLE,
            loader_message=f"{loaded.path}: cannot allocate memory in static TLS block",
        )


def _interposed(case: SimulatedLoad) -> Iterator[Diagnosis]:
    """Symbols bound to another library than the one they were linked against, although that one has them too."""
    by_path = {o.path: o for o in (*case.process.namespace.objects, *case.searchlist)}
    taken: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for binding in case.bindings:
        if binding.provider is None or binding.linked_file is None:
            continue
        provider = by_path[binding.provider]
        intended = case.process.namespace.answering_to(binding.linked_file)
        if intended is None or intended is provider or provider.answers_to(binding.linked_file):
            continue
        if _offers(provider, binding.symbol, binding.version):  # one family, or the program's copy of the data
            continue
        if _offers(intended, binding.symbol, binding.version):
            taken[binding.consumer, provider.path, intended.path].append(binding.symbol)
    for (consumer, provider_path, intended_path), symbols in taken.items():
        shown = ", ".join(symbols[:4]) + (f" and {len(symbols) - 4} more" if len(symbols) > 4 else "")
        text = (
            f"{leaf(consumer)} was linked against {leaf(intended_path)} for {shown}, and gets"
            f" {leaf(provider_path)}'s, which comes first."
        )
        yield risk(
            "interposed", consumer, text, "fine when it is meant (an allocator, a preload); else hide them there"
        )


def _segment(loaded: LoadedObject, kind: str) -> Location:
    segment = next((s for s in loaded.image.segments if s.kind == kind), None)
    return Location.bytes(loaded.path, segment.header_offset, 1) if segment else Location(loaded.path)


def _offers(loaded: LoadedObject, symbol: str, version: str | None) -> bool:
    """Whether an object defines the symbol in exactly that version."""
    return any(
        s.exported and s.version is not None and s.version.name == version for s in loaded.image.symbols.named(symbol)
    )


def _duplicate_copies(case: SimulatedLoad) -> Iterator[Diagnosis]:
    by_soname: dict[str, list[LoadedObject]] = defaultdict(list)
    for loaded in {id(o): o for o in (*case.process.global_scope, *case.searchlist)}.values():
        if loaded.image.identity:
            by_soname[loaded.image.identity].append(loaded)
    for soname, copies in by_soname.items():
        if len(copies) > 1:
            paths = " and ".join(o.path for o in copies)
            text = f"{soname} is loaded twice, from {paths}: two copies of its data in one process."
            yield risk(
                "duplicate-copy",
                soname,
                text,
                "make every user find the same file",
                evidence=tuple(Location.bytes(o.path, o.image.identity_offset, 1) for o in copies),
                severity=Severity.MEDIUM,
            )


def _depends_on_directory(case: SimulatedLoad) -> Iterator[Diagnosis]:
    for loaded in case.searchlist:
        for directory in loaded.image.search_dirs:
            if directory.text.startswith(("/", "$")):
                continue
            where = directory.kind.value.upper()
            what = f"an empty element in its {where}" if not directory.text else f"{directory.text} in its {where}"
            text = f"{leaf(loaded.path)} has {what}: the loader looks in whatever directory the program is run from."
            yield risk(
                "cwd-dependent",
                loaded.path,
                text,
                f"patchelf --set-rpath '$ORIGIN' {quoted_path(loaded.path)}",
                evidence=(Location.bytes(loaded.path, directory.offset, 1),),
                chain=loaded.chain,
                severity=Severity.HIGH,
                cwe=427,
            )
        for dependency in loaded.image.needed:
            if "/" in dependency.name and not dependency.name.startswith(("/", "$")):
                text = f"{leaf(loaded.path)} needs {dependency.name}, a path relative to where the program is run."
                yield risk(
                    "cwd-dependent",
                    loaded.path,
                    text,
                    f"give that library a SONAME, or: patchelf --replace-needed {shlex.quote(dependency.name)}"
                    f" {shlex.quote(leaf(dependency.name))} {quoted_path(loaded.path)}",
                    evidence=(Location.bytes(loaded.path, dependency.offset, 1),),
                    chain=loaded.chain,
                    severity=Severity.HIGH,
                    cwe=426,
                )


def _text_relocations(case: SimulatedLoad) -> Iterator[Diagnosis]:
    for loaded in case.searchlist:
        if loaded.facts.text_relocations:
            text = f"{leaf(loaded.path)} patches its own code while loading (DT_TEXTREL), which SELinux refuses."
            yield risk(
                "textrel-selinux",
                loaded.path,
                text,
                "rebuild it with -fPIC",
                evidence=(Location.bytes(loaded.path, loaded.facts.dynamic.offset, 1),),
                chain=loaded.chain,
                severity=Severity.MEDIUM,
                loader_message=f"{loaded.path}: cannot restore segment prot after reloc: Permission denied",
            )


def _executable_stack(case: SimulatedLoad) -> Iterator[Diagnosis]:
    for loaded in case.searchlist:
        if loaded is not case.process.program and wants_executable_stack(loaded.image, case.model):
            text = (
                f"{leaf(loaded.path)} asks for an executable stack, which SELinux refuses, and dlopen of glibc 2.41 and"
                " newer."
            )
            yield risk(
                "exec-stack",
                loaded.path,
                text,
                f"patchelf --clear-execstack {quoted_path(loaded.path)}, or rebuild it with -Wl,-z,noexecstack",
                evidence=(_segment(loaded, "GNU_STACK"),),
                chain=loaded.chain,
                severity=Severity.MEDIUM,
                loader_message=f"{loaded.path}: cannot enable executable stack as shared object requires:"
                " Permission denied",
            )


def _environment_dropped(case: SimulatedLoad) -> Iterator[Diagnosis]:
    if case.model.secure and case.model.variable("LD_LIBRARY_PATH"):
        text = "The program runs in secure-execution mode (AT_SECURE): LD_LIBRARY_PATH is ignored."
        yield risk("env-dropped", case.target, text, "install the libraries in a system directory, or use a RUNPATH")


def _changed_as_text(case: SimulatedLoad) -> Iterator[Diagnosis]:
    """A library whose header is whole and whose bytes have moved: a transfer took it for text."""
    for loaded in case.searchlist:
        if not loaded.image.damage:
            continue
        changed = changed_as_text(case.model.view.read_bytes(case.model.absolute(loaded.path)))
        if changed:
            yield Diagnosis(
                code="bad-headers",
                blocking=True,
                subject=loaded.path,
                explanation=f"{leaf(loaded.path)} {changed}: nothing in it is where its header says.",
                loader_message="Segmentation fault",
                advice=AS_BINARY,
                chain=loaded.chain,
                severity=Severity.CRITICAL,
                confidence=Confidence.LIKELY,
            )


def _damaged(case: SimulatedLoad) -> Iterator[Diagnosis]:
    for loaded in case.searchlist:
        fatal = next((d for d in loaded.image.damage if d.fatal), None)
        if fatal is not None:
            text = f"{leaf(loaded.path)} is damaged: {fatal.field}: {fatal.what}."
            yield risk(
                "damaged",
                loaded.path,
                text,
                "copy, download or build it again",
                evidence=(Location.bytes(loaded.path, fatal.offset, 1),),
                chain=loaded.chain,
                severity=Severity.HIGH,
                confidence=Confidence.LIKELY,
            )


def _for_another_python(case: SimulatedLoad) -> Iterator[Diagnosis]:
    """A module whose name has the tag of another Python than its environment's, which never looks at that name.

    Source: PEP 3149; importlib.machinery.EXTENSION_SUFFIXES.
    """
    program = case.model.main_image
    folder, name = posixpath.split(case.model.absolute(case.target))
    tag = module_version(name)
    if program is None or tag is None or "-packages/" not in f"{folder}/":
        return
    running = python_version(case.model.view.real_path(case.model.absolute(program)))
    stem = name.partition(".")[0]
    fitting = (other for other in names_in(case.model, folder) if other.partition(".")[0] == stem and other != name)
    has_threads = _THREADED.search(f"{folder}/") is not None
    mine, theirs = _spoken(running, has_threads), _spoken(tag, is_threaded(name))
    if not mine or mine == theirs or any(_spoken_of(other) in (mine, "") for other in fitting):
        return
    text = f"{name} is for Python {theirs}, and {program} of Python {mine} does not look at a file of that name."
    again = reinstall(case.model, case.target)
    yield risk(
        "python-tag",
        case.target,
        text,
        f"{again}; the folder is of Python {mine}, and was copied from one of {theirs} or filled by its pip",
        loader_message=f"ModuleNotFoundError: No module named '{stem}'",
        severity=Severity.HIGH,
    )


def _spoken(version: tuple[int, int] | None, has_threads: bool) -> str:
    """A Python as it names its folders: ``3.12``, ``3.13t``; empty where it is not known."""
    return f"{version[0]}.{version[1]}{'t' if has_threads else ''}" if version is not None else ""


def _spoken_of(module: str) -> str:
    return _spoken(module_version(module), is_threaded(module))


def _hidden_python(case: SimulatedLoad) -> Iterator[Diagnosis]:
    """A module of Python in a program that has Python inside, and does not export its symbols."""
    program = case.model.main_image
    if program is None or FROM_HOST not in case.process.notes:
        return
    if _SAID_BY_PYTHON not in case.model.view.read_bytes(case.model.absolute(program)):
        return
    text = (
        f"{leaf(program)} has Python inside and exports none of its symbols, which {leaf(case.target)} takes from the"
        " program that imports it."
    )
    yield risk(
        "undefined-symbol",
        case.target,
        text,
        f"link {leaf(program)} with -rdynamic (LDFLAGS=-rdynamic), or with a Python that was built --enable-shared",
        confidence=Confidence.LIKELY,
    )


def _appimage(case: SimulatedLoad) -> Iterator[Diagnosis]:
    program = case.process.program
    if case.starts_program and program is not None and program.opened.head[8:11] in (b"AI\x01", b"AI\x02"):
        kind = program.opened.head[10]
        text = (
            f"{leaf(program.path)} is an AppImage (type {kind}): this is about the program in front that starts"
            " it; what it carries is asked about as an archive is."
        )
        yield risk("appimage", program.path, text, f"loadstone explain {quoted_path(program.path)}")


RISKS: Final[tuple[Callable[[SimulatedLoad], Iterator[Diagnosis]], ...]] = (
    _changed_as_text,
    _damaged,
    _appimage,
    _for_another_python,
    _hidden_python,
    _depends_on_directory,
    _static_tls,
    _interposed,
    _duplicate_copies,
    _text_relocations,
    _executable_stack,
    _environment_dropped,
    ignored_preloads,
)
"""Asked in this order, of every load that gets as far as running initialisers."""
