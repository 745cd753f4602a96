"""Whether the bytes agree with themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.escape import printable
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES"]


def _answer(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    image = subject.image
    if not image.damage:
        header = Location.bytes(subject.path, image.slice_offset, 64)
        yield rule.yes("Every table read lies within the file and agrees with the others", header)
    for damage in image.damage:
        message = f"{printable(damage.field)}: {printable(damage.what)}"
        yield rule.no(
            message,
            subject.at(damage.offset),
            severity=Severity.CRITICAL if damage.fatal else rule.severity,
            blocking=damage.fatal,
            subject=damage.field,
        )


RULES: Final = (
    BinaryRule(
        id="malformed-image",
        question="Do the bytes agree with themselves?",
        practice=Practice.LOADABILITY,
        severity=Severity.LOW,
        why="A binary that contradicts itself was cut off, damaged, or made to be read differently by different tools.",
        fix="get the file again from where it came from, and compare its digest",
        bad="head -c 4096 libx.so > truncated.so",
        good="sha256sum --check libx.so.sha256",
        references=("https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html",),
        answer=_answer,
    ),
)
