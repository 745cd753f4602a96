"""Who can replace the library itself: its own permissions and those of every directory above it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.escape import quoted
from loadstone.review.binary.places import openings
from loadstone.review.binary.rule import BinaryRule, Subject

__all__ = ["RULES"]


def _answer(rule: BinaryRule, subject: Subject) -> Iterator[Claim]:
    path = subject.image.path
    real = subject.places.real(path) if path else ""
    access = subject.places.access(real) if real else None
    if access is None or not real.startswith("/"):
        return
    found = openings(real, subject.places, owners=frozenset({access.owner}))
    for opening in found:
        who = "The file itself" if opening.path == real else f"The directory {quoted(opening.path)} above it"
        severity = Severity.HIGH if opening.anyone else Severity.LOW
        message = f"{who} is open to change by others: {opening.reason}"
        what = opening.path if opening.path != real else ""
        yield rule.no(message, Location(subject.path), severity=severity, subject=what)
    if not found:
        mode = stat.S_IMODE(access.mode)
        message = f"Only its owner can change the file (mode {mode:04o}, user {access.owner}) or any directory above it"
        yield rule.yes(message, Location(subject.path))


RULES: Final = (
    BinaryRule(
        id="writable-library-file",
        question="Can only its owner replace the library?",
        practice=Practice.PRIVILEGE,
        cwe=732,
        severity=Severity.HIGH,
        why="Whoever can write the file, or a directory on the way to it, decides what runs when it is loaded.",
        fix="chmod go-w on the path that is open, and chown it to root or to the user that loads it",
        bad="chmod 777 /opt/app/plugins",
        good="chmod 755 /opt/app/plugins && chown root:root /opt/app/plugins",
        references=(
            "https://cwe.mitre.org/data/definitions/732.html",
            "https://man7.org/linux/man-pages/man7/path_resolution.7.html",
        ),
        answer=_answer,
    ),
)
