"""Names that a stranger's file can answer to: Windows' own libraries asked for by bare name, and optional ones.

Windows looks into the program's directory before System32, except for the few names in KnownDLLs, for API sets (which
are contracts and not files), and for images that restrict the search of their imports. A library that may be missing
is loaded as soon as somebody provides it. Sources: "Dynamic-link library search order" and "/DEPENDENTLOADFLAG"
(Microsoft Learn), dyld(1) for LC_LOAD_WEAK_DYLIB, CWE-427.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, Severity
from loadstone.core.counting import Share
from loadstone.core.image import Dependency, DependencyKind, Format
from loadstone.core.practices import Practice
from loadstone.escape import printable, quoted
from loadstone.linker.windows_names import KNOWN_DLLS, SYSTEM_DLLS
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES"]

_IMPORTED: Final = frozenset({DependencyKind.NEEDED, DependencyKind.DELAY})
_SYSTEM32_ONLY: Final = 0x800
"""LOAD_LIBRARY_SEARCH_SYSTEM32 (libloaderapi.h)."""

_OWN_OF_THE_SYSTEM: Final = ("/usr/lib/", "/System/")
"""On a sealed volume since macOS 10.15: nobody adds a file there."""

_MAX_NAMED: Final = 8


def _stem(needed: Dependency) -> str:
    return needed.name.lower().removesuffix(".dll")


def _listed(needed: list[Dependency]) -> str:
    names = ", ".join(printable(one.name) for one in needed[:_MAX_NAMED])
    return names if len(needed) <= _MAX_NAMED else f"{names} and {len(needed) - _MAX_NAMED} more"


def _imports(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    """Only names Windows ships: a library that comes with the program belongs into the program's directory."""
    if subject.image.format is not Format.PE:
        return
    from loadstone.binary.pe.facts import PeFacts  # noqa: PLC0415  asked of PE files only

    facts = subject.image.native
    if not isinstance(facts, PeFacts):
        return
    own = [n for n in subject.image.needed if n.kind in _IMPORTED and not n.virtual and _stem(n) in SYSTEM_DLLS]
    if not own:
        return
    restricted = bool(facts.dependent_load_flags & _SYSTEM32_ONLY)
    open_to_all = [n for n in own if n.kind is DependencyKind.DELAY or not restricted]
    plantable = [n for n in open_to_all if _stem(n) not in KNOWN_DLLS]
    if plantable:
        share = Share("imported name of Windows", "is", "are", "imported names of Windows")
        are = share.of(len(plantable), len(own))
        message = f"{are} looked for beside the program first: {_listed(plantable)}"
        yield rule.no(message, subject.at(plantable[0].offset), confidence=Confidence.LIKELY)
    else:
        can = "can only be answered by System32"
        answered = Share("imported name of Windows", can, can, "imported names of Windows")
        places = tuple(subject.at(n.offset) for n in own)
        yield rule.yes(answered, places[0], met=len(own), sites=len(own), places=places[1:])


def _optional(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    if subject.image.format is not Format.MACHO:
        return
    weak = [needed for needed in subject.image.needed if needed.kind is DependencyKind.WEAK]
    guarded = [needed for needed in weak if needed.name.startswith(_OWN_OF_THE_SYSTEM)]
    for needed in weak:
        if needed not in guarded:
            message = f"{quoted(needed.name)} may be missing: whoever can put a file there adds code"
            place = subject.at(needed.offset)
            yield rule.no(message, place, confidence=Confidence.POSSIBLE, subject=needed.name)
    if guarded:
        could = "could only be provided by the system"
        provided = Share("library that may be missing", could, could, "libraries that may be missing")
        places = tuple(subject.at(needed.offset) for needed in guarded)
        yield rule.yes(provided, places[0], met=len(guarded), sites=len(weak), places=places[1:])


_ORDER: Final = "https://learn.microsoft.com/en-us/windows/win32/dlls/dynamic-link-library-search-order"
_CWE: Final = "https://cwe.mitre.org/data/definitions/427.html"

RULES: Final = (
    BinaryRule(
        id="dll-planting",
        question="Do the imported names of Windows' own libraries lead to System32 alone?",
        practice=Practice.SEARCH_PATH,
        cwe=427,
        severity=Severity.NOTE,
        why="DLL planting: an installer that starts in the download folder loads a version.dll from there.",
        fix="link with /DEPENDENTLOADFLAG:0x800; load delayed ones with LOAD_LIBRARY_SEARCH_SYSTEM32 beforehand",
        bad="link.exe x.obj version.lib",
        good="link.exe /DEPENDENTLOADFLAG:0x800 x.obj version.lib",
        references=(_ORDER, "https://learn.microsoft.com/en-us/cpp/build/reference/dependentloadflag", _CWE),
        answer=_imports,
    ),
    BinaryRule(
        id="missing-library-planting",
        question="Can only the system provide the libraries that may be missing?",
        practice=Practice.SEARCH_PATH,
        cwe=427,
        severity=Severity.NOTE,
        why="Nobody misses a library that may be missing, so nobody notices where it came from.",
        fix="ship it, or link it strongly, or test for it at run time by its absolute path",
        bad="clang -dynamiclib -o libx.dylib x.c -weak_library @rpath/liby.dylib",
        good="clang -dynamiclib -o libx.dylib x.c -weak-lz",
        references=("https://keith.github.io/xcode-man-pages/dyld.1.html", _CWE),
        answer=_optional,
    ),
)
