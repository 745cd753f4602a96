"""A candidate was there and could not be used: what it really is, and what it hides."""

from __future__ import annotations

import errno
import os
import posixpath
import shlex

from loadstone.binary import FileKind, identify, read
from loadstone.binary.transfers import AS_BINARY, changed_as_text
from loadstone.core.image import TraitKind
from loadstone.core.trace import Diagnosis, StepOutcome
from loadstone.errors import LoadstoneError
from loadstone.linker.alternatives import usable_image
from loadstone.linker.diagnoses.case import SimulatedLoad, blocking, leaf
from loadstone.linker.diagnoses.environments import anew, restored
from loadstone.linker.diagnoses.whereabouts import is_same_library, names_in
from loadstone.linker.graph import Refusal
from loadstone.linker.process_number import process_number
from loadstone.linker.view import OpenedFile
from loadstone.quick_dataclass import replace
from loadstone.shell import quoted_path

__all__ = ["unusable"]

_SHOWN = 3
_OF_MUSL = "libc.so"
_FOREIGN = (FileKind.PE, FileKind.MACHO, FileKind.UNIVERSAL)
_MAX_NAME = 255
_DAMAGED = ("empty", "truncated", "bad-headers", "html", "not-elf")
_CODES = {
    FileKind.LINKER_SCRIPT: "ld-script",
    FileKind.ARCHIVE: "archive",
    FileKind.THIN_ARCHIVE: "archive",
    FileKind.TEXT: "text",
    FileKind.SCRIPT: "text",
    FileKind.JSON: "text",
    FileKind.XML: "text",
    FileKind.LIBTOOL: "text",
    FileKind.HTML: "html",
    FileKind.LFS_POINTER: "lfs-pointer",
    FileKind.EMPTY: "empty",
    FileKind.PE: "foreign-format",
    FileKind.MACHO: "foreign-format",
    FileKind.UNIVERSAL: "foreign-format",
    FileKind.COFF_OBJECT: "object-file",
}


def unusable(case: SimulatedLoad, refusal: Refusal) -> Diagnosis:
    """What the file that ended the search really is."""
    ended = next(step for step in reversed(refusal.steps) if step.outcome is StepOutcome.FATAL)
    path = case.model.absolute(ended.candidate)
    if ended.errno == errno.EISDIR and path.startswith("/proc/") and process_number(path) is not None:
        number = process_number(path)
        text = f"{ended.candidate} is a running process, not a library."
        advice = f"loadstone loaded {number} lists what it has loaded"
        return blocking(case, refusal, text, advice, code="process")
    if ended.errno == errno.EISDIR:
        text = f"{ended.candidate} is a directory, not a library."
        advice = _instead_of_folder(case, refusal, path)
        return _with_hidden(case, refusal, blocking(case, refusal, text, advice, code="directory"))
    opened = case.model.view.open(path)
    head = _beginning(case, opened)
    what = identify(head)
    if what.kind is FileKind.ELF:
        code, text, advice = _bad_elf(case, refusal, opened, ended.candidate)
    else:
        code = _CODES.get(what.kind, "not-elf")
        text, advice = f"{ended.candidate} is not a library: it is {what.sentence}.", what.advice
        if what.kind is FileKind.LINKER_SCRIPT and refusal.requester is not None and what.inputs:
            advice = _script_in_its_place(case, refusal, ended.candidate, what.inputs)
        linked = _lost_link(case, opened)
        if linked:
            text = f"{text[:-1]} that names {linked} beside it: a symbolic link that was stored as a file."
            advice = f"ln -sf {quoted_path(linked)} {quoted_path(ended.candidate)}"
        if what.kind in _FOREIGN:
            advice = (
                anew(case.model, ended.candidate)
                or "install or build it on this system: a file of another one does not move here"
            )
        stood_for = _imported_by(case, opened) if what.kind is FileKind.ARCHIVE else ()
        if stood_for:
            named = ", ".join(stood_for[:_SHOWN])
            text = f"{ended.candidate} is not a library: it is an import library, a link-time stand-in for {named}."
            advice = f"ask for the library itself: {shlex.quote(stood_for[0])}"
    again = restored(case.model, ended.candidate) if code in _DAMAGED else ""
    advice = again or advice
    whole = _whole_beside(case, refusal, ended.candidate)
    if whole:
        text = f"{text} {whole} beside it is that library."
        advice = f"ln -sf {quoted_path(leaf(whole))} {quoted_path(ended.candidate)}"
    return _with_hidden(case, refusal, blocking(case, refusal, text, advice, code=code))


def _instead_of_folder(case: SimulatedLoad, refusal: Refusal, path: str) -> str:
    """What to do about a folder that has the name of a library: its library inside, an empty one, or another's."""
    inside, folder = names_in(case.model, path), quoted_path(path)
    if not inside:
        return f"rmdir {folder}, and put the library there: a mount whose source is missing makes an empty folder"
    if refusal.requester is None:
        return "give the path of a library in it"
    aside = f"mv {folder} {quoted_path(f'{path}.d')}"
    name = posixpath.basename(path)
    if usable_image(case.model, posixpath.join(path, name)) is None:
        return f"{aside}, and put the library in its place"
    return f"{aside} && ln -s {quoted_path(f'{name}.d/{name}')} {folder}"


def _whole_beside(case: SimulatedLoad, refusal: Refusal, candidate: str) -> str:
    """A usable file of the same folder that calls itself by the name, as the target of a lost link does; else empty."""
    folder, name = posixpath.split(candidate)
    if refusal.requester is None:
        return ""
    stem = name.partition(".so")[0]
    near = (other for other in names_in(case.model, folder) if other != name and other.partition(".so")[0] == stem)
    paths = (posixpath.join(folder, other) for other in near)
    return next((path for path in paths if is_same_library(case, name, path)), "")


def _script_in_its_place(case: SimulatedLoad, refusal: Refusal, candidate: str, inputs: tuple[str, ...]) -> str:
    """What to do where a linker script lies under the name that a linked file needs, and what it points to."""
    assert refusal.requester is not None
    if refusal.name == _OF_MUSL:
        built = restored(case.model, refusal.requester.path) or "install or build it for glibc (a manylinux wheel)"
        return f"it was built for musl, whose C library has that name: {built}; or open it in a program for musl"
    for named in inputs:
        path = named if named.startswith("/") else posixpath.join(posixpath.dirname(candidate), named)
        if usable_image(case.model, path) is not None:
            return (
                f"ln -sf {quoted_path(named)} {quoted_path(candidate)}, the library itself in the place of the script"
            )
    file = leaf(refusal.requester.path)
    if all(name.endswith(".a") for name in inputs):
        return f"link {file} anew: by now {leaf(candidate)} is static only, and a file linked with it needs no library"
    return f"link {file} anew, or install the library {leaf(candidate)} in the place of the script"


def _imported_by(case: SimulatedLoad, opened: OpenedFile) -> tuple[str, ...]:
    from loadstone.binary.pe.import_library import imported_by  # noqa: PLC0415  the reader of PE is of use only here

    return imported_by(case.model.view.read_bytes(opened.path))


def _lost_link(case: SimulatedLoad, opened: OpenedFile) -> str:
    """The neighbour whose name is all that a file holds; empty for any other file."""
    if not 0 < opened.size <= _MAX_NAME:
        return ""
    name = opened.head[: opened.size].decode("utf-8", "surrogateescape").strip()
    path = posixpath.join(posixpath.dirname(opened.path), name)
    is_name = bool(name) and name.isprintable() and path != opened.path
    return name if is_name and usable_image(case.model, path) is not None else ""


def _beginning(case: SimulatedLoad, opened: OpenedFile) -> bytes:
    if opened.size > len(opened.head):
        return case.model.view.read_bytes(opened.path)[:8192]
    return opened.head


def _bad_elf(case: SimulatedLoad, refusal: Refusal, opened: OpenedFile, candidate: str) -> tuple[str, str, str]:
    """Code, sentence and advice for an ELF file whose header the loader does not accept."""
    text = refusal.failure.text
    if "too short" in text or "cannot read file data" in text:
        sentence = f"{candidate} is cut off: it has only {opened.size} bytes."
        return "truncated", sentence, "build, copy or download it again, and compare the sizes"
    if "data encoding" in text:
        return "wrong-endian", f"{candidate} is built for machines of the other byte order.", "install the right build"
    if "OS ABI" in text or "ABI version" in text:
        return "wrong-osabi", f"{candidate} is marked for another operating system's ABI.", "install the Linux build"
    if "only ET_DYN" in text and opened.head[16:18] in (b"\x04\0", b"\0\x04"):
        sentence = f"{candidate} is a core dump: the memory of a program that died, not a library."
        return (
            "core-dump",
            sentence,
            f"loadstone loaded {quoted_path(candidate)} names the program and what it had loaded",
        )
    if "only ET_DYN" in text and opened.head[16:18] in (b"\x01\0", b"\0\x01"):
        return _object(case, opened, candidate)
    changed = changed_as_text(case.model.view.read_bytes(opened.path))
    if changed:
        return "bad-headers", f"{candidate} {changed}: {text}.", AS_BINARY
    return "bad-headers", f"{candidate} has a damaged header: {text}.", "rebuild it; a tool that patched it broke it"


def _object(case: SimulatedLoad, opened: OpenedFile, candidate: str) -> tuple[str, str, str]:
    """A file of type ET_REL: for the kernel, or for the link editor."""
    try:
        module = read(case.model.view.read_bytes(opened.path)).trait(TraitKind.KERNEL_MODULE)
    except (LoadstoneError, OSError):
        module = None
    if module is not None or candidate.endswith(".ko"):
        advice = f"insmod {quoted_path(candidate)}, or install it and run modprobe {shlex.quote(_stem(candidate))}"
        return "kernel-module", f"{candidate} is a module of the Linux kernel, which alone loads it.", advice
    advice = f"gcc -shared {quoted_path(candidate)} -o {quoted_path(_stem(candidate))}.so"
    return "object-file", f"{candidate} is an object file (.o), not linked yet.", advice


def _stem(candidate: str) -> str:
    return os.path.splitext(leaf(candidate))[0]


def _with_hidden(case: SimulatedLoad, refusal: Refusal, found: Diagnosis) -> Diagnosis:
    """Say so when a usable file of the same name was never reached because of this one."""
    if "/" in refusal.name or refusal.name == _OF_MUSL:
        return found
    ended = found.steps[-1]
    later = [f"{d}/{refusal.name}" for d in case.model.system_dirs]
    good = next((p for p in later if p != ended.candidate and case.model.view.exists(p)), None)
    if good is None:
        return found
    text = f"{found.explanation} It stops the search, so {good} is never reached."
    advice = f"remove {quoted_path(ended.candidate)}"
    if ended.rule == "ld_library_path":
        advice += f", or drop {ended.element or 'the empty element'} from LD_LIBRARY_PATH"
    more = f"; {found.advice}" if found.advice else ""
    return replace(found, code="search-stopped", explanation=text, advice=f"{advice}{more}")
