"""What a rule over binaries is: a question, the reasons behind it, and the function that answers it for one image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loadstone.core.claims import (
    Claim,
    Confidence,
    Evidence,
    Finding,
    Location,
    NotApplicable,
    Settler,
    Severity,
    Undecided,
)
from loadstone.core.image import Image
from loadstone.core.practices import Practice
from loadstone.review.binary.places import Places

__all__ = ["BinaryRule", "Subject"]

_UNNAMED = "the bytes given"


@dataclass(frozen=True, slots=True)
class Subject:
    """The image under review, and the file system its paths are looked up in."""

    image: Image
    places: Places

    @property
    def path(self) -> str:
        """What the reader knows the image by."""
        return self.image.path or _UNNAMED

    def at(self, offset: int, size: int = 1) -> Location:
        """``size`` bytes at ``offset`` in the file."""
        return Location.bytes(self.path, offset, size)

    def table(self, kind: str) -> Location:
        """Where the segment of that kind stands in the file; the whole file when there is none."""
        for segment in self.image.segments:
            if segment.kind.removeprefix("PT_").upper() == kind:
                return self.at(segment.offset, max(segment.file_size, 1))
        return Location(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryRule:
    """One question about a binary.

    ``id`` names the weakness or the protection, ``question`` asks so that yes is good; ``severity`` is what a plain
    no weighs; ``bad`` and ``good`` are commands that build one and the other; ``references`` the places that say so.
    """

    id: str
    question: str
    practice: Practice
    why: str
    fix: str
    bad: str
    good: str
    references: tuple[str, ...]
    answer: Callable[[BinaryRule, Subject], Iterable[Claim]]
    cwe: int | None = None
    severity: Severity = Severity.LOW

    def ask(self, subject: Subject) -> tuple[Claim, ...]:
        """Every answer for one image."""
        return tuple(self.answer(self, subject))

    def yes(
        self, message: str, location: Location, *, met: int = 1, sites: int = 1, places: tuple[Location, ...] = ()
    ) -> Evidence:
        """The good answer, with where it was seen."""
        return Evidence(
            rule=self.id,
            message=message,
            location=location,
            practice=self.practice,
            met=met,
            sites=sites,
            places=places,
        )

    def no(
        self,
        message: str,
        location: Location,
        *,
        severity: Severity | None = None,
        fix: str | None = None,
        confidence: Confidence = Confidence.CERTAIN,
        blocking: bool = False,
    ) -> Finding:
        """The weakness, with where it was seen."""
        return Finding(
            rule=self.id,
            message=message,
            location=location,
            practice=self.practice,
            confidence=confidence,
            severity=severity or self.severity,
            cwe=self.cwe,
            fix=self.fix if fix is None else fix,
            blocking=blocking,
        )

    def cannot_tell(self, message: str, location: Location, reason: str, *, settled_by: Settler) -> Undecided:
        """The question left open, with why and what would settle it."""
        return Undecided(
            rule=self.id,
            message=message,
            location=location,
            practice=self.practice,
            reason=reason,
            settled_by=settled_by,
            cwe=self.cwe,
        )

    def without_site(self, message: str, location: Location) -> NotApplicable:
        """The question has nothing to be asked of here."""
        return NotApplicable(rule=self.id, message=message, location=location, practice=self.practice)
