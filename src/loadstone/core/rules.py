"""What a rule says of itself: the question, why it matters, how each answer looks. Reports and documents show it."""

from __future__ import annotations

from loadstone.core.claims import Severity
from loadstone.core.practices import Practice
from loadstone.quick_dataclass import dataclass

__all__ = ["RuleText"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """A rule in words.

    ``id`` names the weakness, ``question`` asks so that yes is the good answer; ``cwe`` the weaknesses a no may be;
    ``severity`` what a plain no weighs; ``applies_to`` the languages and formats it asks about; ``bad`` and ``good``
    an example of each.
    """

    id: str
    question: str
    why: str
    practice: Practice
    cwe: tuple[int, ...] = ()
    severity: Severity = Severity.MEDIUM
    applies_to: tuple[str, ...] = ()
    bad: str = ""
    good: str = ""
    fix: str = ""
    references: tuple[str, ...] = ()
