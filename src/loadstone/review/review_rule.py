"""What every rule is, of source code or of binaries: a question, the reasons behind it, and the ways to answer it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Generic, TypeVar

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
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.core.rules import RuleText
from loadstone.quick_dataclass import dataclass

__all__ = ["ReviewRule"]

Asked = TypeVar("Asked")
"""What the question is asked of: the facts of a program, or an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRule(Generic[Asked]):
    """One question, for which yes is the good answer.

    ``id`` names the weakness or the protection it is about; ``cwe`` and ``severity`` are what a plain no is; ``bad``
    and ``good`` show one and the other; ``references`` are the places that say so; ``answer`` answers it.
    """

    confidence: ClassVar[Confidence] = Confidence.LIKELY
    """How sure a plain no is."""

    id: str
    question: str
    practice: Practice
    why: str
    fix: str
    bad: str
    good: str
    references: tuple[str, ...]
    answer: Callable[[Any, Asked], Iterable[Claim]]
    cwe: int | None = None
    severity: Severity = Severity.LOW

    @property
    def applies_to(self) -> tuple[str, ...]:
        """The languages or formats it is asked of."""
        raise NotImplementedError

    @property
    def text(self) -> RuleText:
        """What the rule says of itself, for reports."""
        return RuleText(
            id=self.id,
            question=self.question,
            why=self.why,
            practice=self.practice,
            cwe=(self.cwe,) if self.cwe else (),
            severity=self.severity,
            applies_to=self.applies_to,
            bad=self.bad,
            good=self.good,
            fix=self.fix,
            references=self.references,
        )

    def ask(self, asked: Asked) -> tuple[Claim, ...]:
        """Every answer."""
        return tuple(self.answer(self, asked))

    def yes(
        self,
        message: str | Share,
        location: Location,
        *,
        lines: str = "",
        met: int = 1,
        sites: int = 1,
        places: tuple[Location, ...] = (),
        why: tuple[FlowStep, ...] = (),
        context: str = "",
        condition: str = "",
        subject: str = "",
        confidence: Confidence = Confidence.CERTAIN,
        practice: Practice | None = None,
    ) -> Evidence:
        """The good answer, with where it was seen; a :class:`Share` is said of ``met`` of ``sites``."""
        share = message if isinstance(message, Share) else None
        sentence = share.of(met, sites) if share else str(message)
        return Evidence(
            rule=self.id,
            message=f"{sentence} (lines {lines})" if lines else sentence,
            share=share,
            location=location,
            practice=practice or self.practice,
            met=met,
            sites=sites,
            places=places,
            why=why,
            context=context,
            condition=condition,
            subject=subject,
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
        subject: str = "",
        confidence: Confidence | None = None,
        blocking: bool = False,
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
            subject=subject,
            confidence=confidence or self.confidence,
            blocking=blocking,
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
        subject: str = "",
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
            subject=subject,
        )

    def without_site(self, message: str, location: Location) -> NotApplicable:
        """The question has nothing to be asked of here."""
        return NotApplicable(rule=self.id, message=message, location=location, practice=self.practice)
