"""What a source rule is: a question, the reasons behind it, and the function that answers it for one program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loadstone.core.claims import (
    Claim,
    Confidence,
    Evidence,
    Finding,
    FlowStep,
    Location,
    NotApplicable,
    Settler,
    Severity,
    Undecided,
)
from loadstone.core.practices import Practice
from loadstone.review.analyses import Facts
from loadstone.review.ir import Language

__all__ = ["Rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One question about source code.

    ``id`` names the weakness that a no is, ``question`` asks for it so that yes is good; ``cwe`` and ``severity`` are
    what a plain no is; ``bad`` and ``good`` are small programs in the first of ``languages``;
    ``references`` the places that say so; ``answer`` reads the facts of one program.
    """

    id: str
    question: str
    practice: Practice
    cwe: int | None
    severity: Severity
    languages: tuple[Language, ...]
    why: str
    fix: str
    bad: str
    good: str
    references: tuple[str, ...]
    answer: Callable[[Rule, Facts], Iterable[Claim]]

    def ask(self, facts: Facts) -> Iterable[Claim]:
        """Every answer for one program."""
        return self.answer(self, facts)

    def yes(
        self,
        message: str,
        location: Location,
        *,
        met: int = 1,
        sites: int = 1,
        places: tuple[Location, ...] = (),
        why: tuple[FlowStep, ...] = (),
        context: str = "",
        condition: str = "",
        confidence: Confidence = Confidence.CERTAIN,
        practice: Practice | None = None,
    ) -> Evidence:
        """The good answer, with where it was seen."""
        return Evidence(
            rule=self.id,
            message=message,
            location=location,
            practice=practice or self.practice,
            met=met,
            sites=sites,
            places=places,
            why=why,
            context=context,
            condition=condition,
            confidence=confidence,
        )

    def no(
        self,
        message: str,
        location: Location,
        *,
        cwe: int | None = None,
        severity: Severity | None = None,
        fix: str | None = None,
        why: tuple[FlowStep, ...] = (),
        context: str = "",
        condition: str = "",
        confidence: Confidence = Confidence.LIKELY,
    ) -> Finding:
        """The weakness, with where it was seen and the path that shows it."""
        return Finding(
            rule=self.id,
            message=message,
            location=location,
            practice=self.practice,
            severity=severity or self.severity,
            cwe=cwe or self.cwe,
            fix=self.fix if fix is None else fix,
            why=why,
            context=context,
            condition=condition,
            confidence=confidence,
        )

    def cannot_tell(
        self,
        message: str,
        location: Location,
        reason: str,
        *,
        settled_by: Settler = Settler.HUMAN,
        why: tuple[FlowStep, ...] = (),
        context: str = "",
        condition: str = "",
    ) -> Undecided:
        """The question left open, with why and what would settle it."""
        return Undecided(
            rule=self.id,
            message=message,
            location=location,
            practice=self.practice,
            reason=reason,
            settled_by=settled_by,
            cwe=self.cwe,
            why=why,
            context=context,
            condition=condition,
        )

    def without_site(self, message: str, location: Location) -> NotApplicable:
        """The question has nothing to be asked of here."""
        return NotApplicable(rule=self.id, message=message, location=location, practice=self.practice)
