"""Where the image makes the loader look: RPATH, RUNPATH, LC_RPATH, one element at a time, and the interpreter's place.

An element that is empty, ``.`` or relative is read from the current directory of whoever starts the process; one that
somebody else may write is theirs to fill. Sources: ld.so(8), dyld(1), CWE-427.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.core.claims import Claim, Finding, Severity
from loadstone.core.counting import Share
from loadstone.core.image import Format, SearchKind
from loadstone.core.practices import Practice
from loadstone.escape import quoted
from loadstone.quick_dataclass import dataclass
from loadstone.review.binary.places import openings
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES"]

_SHARED: Final = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - these are looked for, not used
_PERSONAL: Final = ("/home", "/Users", "/root")
_BUILD: Final = ("/build", "/builddir", "/buildroot", "/usr/src", "/var/lib/jenkins", "/__w")
"""Where packages are built: Debian's and Fedora's builders, Jenkins, hosted runners; absent where they are used."""

_OWN_PLACE: Final = ("$ORIGIN", "${ORIGIN}", "@loader_path", "@executable_path")


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with one element, and how much it weighs."""

    what: str
    severity: Severity


def _starts_in(text: str, directories: Iterable[str]) -> str | None:
    return next((d for d in directories if text == d or text.startswith(f"{d}/")), None)


def _own_place(text: str) -> str | None:
    """The word that stands for the library's own directory, when the element starts with it."""
    return next((word for word in _OWN_PLACE if text == word or text.startswith(f"{word}/")), None)


def _expanded(text: str, subject: Subject) -> str | None:
    """The element as an absolute path, as far as it can be known from here."""
    word = _own_place(text)
    if word is None:
        return text.split("/$", 1)[0] or "/"
    if subject.image.path is None or word == "@executable_path":
        return None
    home = posixpath.dirname(subject.places.real(subject.image.path))
    return subject.places.real(home + text[len(word) :])


def _owner(subject: Subject) -> frozenset[int]:
    access = subject.places.access(subject.image.path) if subject.image.path else None
    return frozenset({access.owner}) if access else frozenset()


def _is_privileged(subject: Subject) -> bool:
    access = subject.places.access(subject.image.path) if subject.image.path else None
    return bool(access and access.mode & (stat.S_ISUID | stat.S_ISGID))


def _spelling_fault(text: str, subject: Subject) -> _Fault | None:
    """What the text alone gives away."""
    if not text or text in (".", "./"):
        return _Fault("is the current directory of whoever starts the process", Severity.HIGH)
    if _own_place(text):
        if _is_privileged(subject):
            return _Fault("follows the file, which runs with more rights than its user", Severity.HIGH)
        return None
    if text.startswith(("@rpath", "$LIB", "$PLATFORM")) or not text.startswith("/"):
        return _Fault("is relative, so the current directory decides", Severity.HIGH)
    if shared := _starts_in(text, _SHARED):
        return _Fault(f"lies in {shared}, where anybody may create files", Severity.HIGH)
    if personal := _starts_in(text, _PERSONAL):
        return _Fault(f"lies in {personal}, a place of one person that differs from system to system", Severity.MEDIUM)
    if build := _starts_in(text, _BUILD):
        return _Fault(f"lies in {build}, left over from the build", Severity.MEDIUM)
    return None


def _place_fault(text: str, subject: Subject) -> _Fault | None:
    """What the file system says of the place and of all above it."""
    path = _expanded(text, subject)
    if path is None:
        return None
    for opening in openings(path, subject.places, owners=_owner(subject)):
        where = "it" if opening.path == path else opening.path
        what = f"can be changed by others: {opening.reason}" + ("" if where == "it" else f" ({where})")
        return _Fault(what, Severity.HIGH if opening.anyone else Severity.MEDIUM)
    return None


def _fault(text: str, subject: Subject) -> _Fault | None:
    posix = subject.image.format is not Format.PE
    found = _spelling_fault(text, subject)
    if found is None or found.severity is not Severity.HIGH:
        on_disk = _place_fault(text, subject) if posix else None
        if on_disk and (found is None or on_disk.severity.rank > found.severity.rank):
            return on_disk
    return found


def _answer(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    image = subject.image
    if not image.search_dirs:
        yield rule.yes("It brings no search path of its own", subject.table("DYNAMIC"))
        return
    faults: list[Finding] = []
    for element in image.search_dirs:
        fault = _fault(element.text, subject)
        if fault:
            message = f"The {element.kind.value} element {quoted(element.text)} {fault.what}"
            place = subject.at(element.offset)
            faults.append(rule.no(message, place, severity=fault.severity, subject=element.text))
    yield from faults
    if not faults:
        count = len(image.search_dirs)
        places = tuple(subject.at(element.offset) for element in image.search_dirs)
        kinds = "its own directory or absolute ones that only their owner can change"
        named = Share("search path element", f"names {kinds}", f"name {kinds}")
        yield rule.yes(named, places[0], met=count, sites=count, places=places[1:])


def _precedence(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    old = [e for e in subject.image.search_dirs if e.kind is SearchKind.RPATH]
    new = [e for e in subject.image.search_dirs if e.kind is SearchKind.RUNPATH]
    if old and not new:
        message = "It uses RPATH, which comes before LD_LIBRARY_PATH and also applies to what its dependencies need"
        yield rule.no(message, subject.at(old[0].offset))
    elif new:
        yield rule.yes("It uses RUNPATH, which the user's LD_LIBRARY_PATH can override", subject.at(new[0].offset))


def _interpreter(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    """The kernel takes the path as it stands: no search, no $ORIGIN, and before any check of the loader's own."""
    path = subject.image.interpreter
    if path is None:
        return
    place = subject.table("INTERP")
    relative = not path.startswith("/")
    fault = (
        _Fault("is relative, so the current directory decides", Severity.HIGH) if relative else _fault(path, subject)
    )
    if fault:
        yield rule.no(f"The interpreter {quoted(path)} {fault.what}", place, severity=fault.severity)
    else:
        yield rule.yes(f"Its interpreter is the absolute {quoted(path)}, in a place that nobody else can change", place)


_CWE: Final = "https://cwe.mitre.org/data/definitions/427.html"
_LD_SO: Final = "https://man7.org/linux/man-pages/man8/ld.so.8.html"

RULES: Final = (
    BinaryRule(
        id="insecure-runpath",
        question="Does its search path name only places that nobody else can fill?",
        practice=Practice.SEARCH_PATH,
        cwe=427,
        severity=Severity.HIGH,
        why="Whoever can put a file into a directory of the search path chooses code that runs in the process.",
        fix="remove the element (patchelf --remove-rpath), or name the library's own place: $ORIGIN/../lib",
        bad="gcc -shared -Wl,-rpath,/tmp/lib -o libx.so x.c",
        good="gcc -shared -Wl,-rpath,'$ORIGIN/../lib' -o libx.so x.c",
        references=(_CWE, _LD_SO),
        answer=_answer,
    ),
    BinaryRule(
        id="rpath-not-runpath",
        question="Is its search path a RUNPATH and not an RPATH?",
        practice=Practice.SEARCH_PATH,
        severity=Severity.NOTE,
        why="An RPATH cannot be overridden by the environment, and reaches into the search of every dependency.",
        fix="link with -Wl,--enable-new-dtags",
        bad="gcc -shared -Wl,--disable-new-dtags,-rpath,'$ORIGIN' -o libx.so x.c",
        good="gcc -shared -Wl,--enable-new-dtags,-rpath,'$ORIGIN' -o libx.so x.c",
        references=(_LD_SO,),
        answer=_precedence,
    ),
    BinaryRule(
        id="insecure-interpreter",
        question="Is the program started by an interpreter that nobody else can replace?",
        practice=Practice.SEARCH_PATH,
        cwe=426,
        severity=Severity.HIGH,
        why="The interpreter is the first code of the process; who can replace it runs instead of every check.",
        fix="patchelf --set-interpreter /lib64/ld-linux-x86-64.so.2 (the system's own) FILE",
        bad="gcc -Wl,--dynamic-linker=lib/ld.so -o x x.c",
        good="gcc -o x x.c",
        references=("https://man7.org/linux/man-pages/man5/elf.5.html", _CWE),
        answer=_interpreter,
    ),
)
