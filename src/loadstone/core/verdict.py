"""The one pure function from claims to a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from loadstone.core.claims import Claim, Finding, Severity, Undecided
from loadstone.quick_dataclass import dataclass

__all__ = ["Decision", "Verdict", "decide"]


class Verdict(StrEnum):
    """The one answer of ``examine``. There is no "safe": absence of findings is all a tool can see."""

    LOAD = "load"
    LOAD_WITH_CARE = "load with care"
    DO_NOT_LOAD = "do not load"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and the claims that made it, worst first."""

    verdict: Verdict
    reasons: tuple[Claim, ...] = ()


def decide(claims: Iterable[Claim], *, care_from: Severity = Severity.MEDIUM) -> Decision:
    """Weigh claims into a verdict.

    A blocking or critical finding says do not load; failing that, a blocking undecided claim says cannot tell;
    failing that, a finding of ``care_from`` or worse says load with care; else load. Evidence never outweighs a
    finding. Pure; the order of ``claims`` does not matter, but for the order of equally bad reasons.

    >>> decide(()).verdict
    <Verdict.LOAD: 'load'>
    """
    findings: list[Finding] = []
    open_questions: list[Undecided] = []
    for claim in claims:
        if isinstance(claim, Finding):
            findings.append(claim)
        elif isinstance(claim, Undecided) and claim.blocking:
            open_questions.append(claim)
    findings.sort(key=lambda f: (not f.blocking, -f.severity.rank))
    against = tuple(f for f in findings if f.blocking or f.severity is Severity.CRITICAL)
    if against:
        return Decision(Verdict.DO_NOT_LOAD, against)
    if open_questions:
        return Decision(Verdict.CANNOT_TELL, tuple(open_questions))
    care = tuple(f for f in findings if f.severity.rank >= care_from.rank)
    return Decision(Verdict.LOAD_WITH_CARE, care) if care else Decision(Verdict.LOAD)
