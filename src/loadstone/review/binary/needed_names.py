"""How the image spells what it needs: names for a search, or paths; and what it puts before or in place of others.

Sources: ld.so(8) for names with a slash, the Linker and Libraries Guide (Oracle) for filters and auditors, CWE-426.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.counting import Share
from loadstone.core.image import Dependency, DependencyKind, Format
from loadstone.core.practices import Practice
from loadstone.escape import quoted
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES"]

_ABSOLUTE_IS_USUAL: Final = frozenset({Format.MACHO})
_BEFORE_ALL: Final = frozenset({DependencyKind.AUDIT, DependencyKind.PRELOAD})
_IN_PLACE: Final = frozenset({DependencyKind.FILTER, DependencyKind.AUXILIARY})
_ANCHORED: Final = ("/", "@rpath/", "@loader_path/", "@executable_path/", "$ORIGIN/", "${ORIGIN}/")


def _with_slash(needed: Dependency, subject: Subject) -> tuple[str, Severity] | None:
    if "/" not in needed.name or needed.virtual:
        return None
    if not needed.name.startswith(_ANCHORED):
        return "is looked for from the current directory", Severity.HIGH
    if subject.image.format in _ABSOLUTE_IS_USUAL or needed.name.startswith("$"):
        return None
    return "is tied to one place and cannot be found anywhere else", Severity.LOW


def _spelling(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    needed = subject.image.needed
    if not needed:
        yield rule.without_site("It needs no other library", subject.table("DYNAMIC"))
        return
    clean = []
    for dependency in needed:
        fault = _with_slash(dependency, subject)
        if fault is None:
            clean.append(subject.at(dependency.offset))
            continue
        what, severity = fault
        message = f"The needed name {quoted(dependency.name)} {what}"
        yield rule.no(message, subject.at(dependency.offset), severity=severity, subject=dependency.name)
    if clean:
        place = "the place to the loader's search, or an anchor fixes it"
        yield rule.yes(
            Share("needed name", f"leaves {place}", f"leave {place}"),
            clean[0],
            met=len(clean),
            sites=len(needed),
            places=tuple(clean[1:]),
        )


def _intrusion(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    for dependency in subject.image.needed:
        name = quoted(dependency.name)
        if dependency.kind in _BEFORE_ALL:
            message = f"It asks the loader to run {name} as an {dependency.kind.value} library of the whole process"
            yield rule.no(message, subject.at(dependency.offset), subject=dependency.name)
        elif dependency.kind in _IN_PLACE:
            message = f"Its symbols are looked for in {name} first ({dependency.kind.value})"
            place = subject.at(dependency.offset)
            yield rule.no(message, place, severity=Severity.LOW, subject=dependency.name)


RULES: Final = (
    BinaryRule(
        id="relative-needed-path",
        question="Are needed libraries named, not addressed from the current directory?",
        practice=Practice.SEARCH_PATH,
        cwe=426,
        severity=Severity.HIGH,
        why="A needed name with a slash skips the search; a relative one lets the current directory decide what runs.",
        fix="give the needed library a SONAME and relink, or patchelf --replace-needed OLD NEW",
        bad="gcc -shared -o libx.so x.c ./liby.so    # liby.so without a SONAME",
        good="gcc -shared -Wl,-soname,liby.so.1 -o liby.so.1 y.c && gcc -shared -o libx.so x.c -L. -l:liby.so.1",
        references=(
            "https://cwe.mitre.org/data/definitions/426.html",
            "https://man7.org/linux/man-pages/man8/ld.so.8.html",
        ),
        answer=_spelling,
    ),
    BinaryRule(
        id="auditor-or-filter",
        question="Does it leave the binding of other libraries alone?",
        practice=Practice.SEARCH_PATH,
        cwe=829,
        severity=Severity.MEDIUM,
        why="An auditor sees and redirects every binding of the process; a filter answers for symbols the file claims.",
        fix="link without --audit, --depaudit, --filter and --auxiliary",
        bad="gcc -shared -Wl,--audit,libspy.so -o libx.so x.c",
        good="gcc -shared -o libx.so x.c",
        references=(
            "https://man7.org/linux/man-pages/man7/rtld-audit.7.html",
            "https://cwe.mitre.org/data/definitions/829.html",
        ),
        answer=_intrusion,
    ),
)
