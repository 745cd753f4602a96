"""What a binary tells about how it was built: debug information shipped inside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Severity
from loadstone.core.image import ImageKind
from loadstone.core.practices import Practice
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES"]

_PREFIXES: Final = (".debug_", ".zdebug_", "__debug_", ".stab")


def _answer(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    sections = subject.image.sections
    if subject.image.kind is ImageKind.DEBUG or not sections:
        return
    shipped = [s for s in sections if s.name.startswith(_PREFIXES) and s.size]
    if not shipped:
        yield rule.yes("No debug information is shipped inside it", subject.at(sections[0].header_offset))
        return
    size = sum(s.size for s in shipped)
    message = f"{size:,} bytes of debug information are shipped inside it, with the paths it was built from"
    yield rule.no(message, subject.at(shipped[0].offset, shipped[0].size))


RULES: Final = (
    BinaryRule(
        id="debug-information-apart",
        question="Is debug information kept out of the shipped file?",
        practice=Practice.HARDENING,
        cwe=215,
        severity=Severity.NOTE,
        why="Names of locals and paths of the build help whoever looks for a way in, and make the file large.",
        fix="objcopy --only-keep-debug libx.so libx.so.debug && strip --strip-debug libx.so",
        bad="gcc -g -shared -o libx.so x.c",
        good="gcc -g -shared -o libx.so x.c && strip --strip-debug libx.so",
        references=("https://cwe.mitre.org/data/definitions/215.html",),
        answer=_answer,
    ),
)
