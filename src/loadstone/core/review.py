"""The result of a review: what was claimed about which files, what was waived, and what could not be looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from loadstone.core.claims import Claim, Evidence, Finding, Location, NotApplicable, Severity, Undecided
from loadstone.quick_dataclass import dataclass, field

__all__ = [
    "BaselineState",
    "Counts",
    "Limit",
    "LimitKind",
    "Result",
    "Review",
    "ReviewVerdict",
    "ReviewedFile",
    "Waiver",
    "conclude",
]


class ReviewVerdict(StrEnum):
    """The one answer of a review. It never says "secure": absence of findings is all a tool can see."""

    NO_WEAKNESS_FOUND = "no weakness found"
    WEAKNESSES_FOUND = "weaknesses found"
    INCOMPLETE = "incomplete"


class LimitKind(StrEnum):
    """Why a part was not looked at, or not well."""

    PARSE_GAP = "parse gap"
    TOO_BIG = "too big"
    TIME = "time limit"
    UNREADABLE = "unreadable"
    NOT_REVIEWED = "not reviewed"  # a language or kind of file without a front end
    ENGINE = "engine"  # an optional engine that was asked for and could not be run
    WAIVER = "waiver"  # a waiver without a reason, past its date, or without anything to waive


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that narrows what the review can say. ``gap``: without it, no clean verdict can be given."""

    kind: LimitKind
    location: Location
    message: str
    gap: bool = False


@dataclass(frozen=True, slots=True)
class Waiver:
    """A recorded decision to accept a finding: why, where that was written down, and until when."""

    reason: str
    location: Location
    in_source: bool = True
    until: date | None = None


class BaselineState(StrEnum):
    """How a result relates to an earlier review. The values are SARIF's."""

    NEW = "new"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Result:
    """A claim in a report: with a fingerprint that survives renumbering, its waiver, and how it relates to a baseline.

    ``engines`` names every engine that says the same; Loadstone alone when empty.
    """

    claim: Claim
    fingerprint: str
    waiver: Waiver | None = None
    state: BaselineState | None = None
    engines: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it weighs in the verdict: not waived, and not gone since the baseline."""
        return self.waiver is None and self.state is not BaselineState.ABSENT

    @property
    def is_news(self) -> bool:
        """Whether it counts and the baseline, if there is one, has not got it as it is now."""
        return self.counts and self.state is not BaselineState.UNCHANGED


@dataclass(frozen=True, slots=True)
class ReviewedFile:
    """A file that was looked at. ``language`` is a name for source, the format for binaries; ``lines`` 0 for these.

    ``text`` is there only when a report that shows the source was asked for.
    """

    path: str
    language: str
    lines: int = 0
    is_binary: bool = False
    digest: str = ""
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was looked at, and what came of it. Waived findings are counted apart."""

    files: int = 0
    lines: int = 0
    binaries: int = 0
    evidence: int = 0
    findings: int = 0
    undecided: int = 0
    not_applicable: int = 0
    waived: int = 0
    new: int = 0
    by_severity: tuple[tuple[Severity, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a review found. ``results`` holds everything, waived and absent results too; ``claims`` what counts."""

    targets: tuple[str, ...]
    verdict: ReviewVerdict
    results: tuple[Result, ...] = ()
    limits: tuple[Limit, ...] = ()
    files: tuple[ReviewedFile, ...] = ()
    counts: Counts = field(default_factory=Counts)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Every claim that counts: neither waived nor absent."""
        return tuple(result.claim for result in self.results if result.counts)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings that count, in order."""
        return tuple(claim for claim in self.claims if isinstance(claim, Finding))


def conclude(
    targets: Iterable[str], results: Iterable[Result], limits: Iterable[Limit], files: Iterable[ReviewedFile]
) -> Review:
    """Count, order and weigh results into a review. Pure.

    A finding above a note that counts says weaknesses found; failing that, a gap says incomplete; else none was found.

    >>> conclude(["a.c"], [], [], []).verdict
    <ReviewVerdict.NO_WEAKNESS_FOUND: 'no weakness found'>
    """
    ordered = tuple(sorted(results, key=_order))
    gaps = tuple(sorted(limits, key=lambda limit: (limit.location, limit.kind, limit.message)))
    looked_at = tuple(sorted(files, key=lambda file: file.path))
    counts = _count(ordered, looked_at)
    weak = any(r.counts and isinstance(r.claim, Finding) and r.claim.severity is not Severity.NOTE for r in ordered)
    if weak:
        verdict = ReviewVerdict.WEAKNESSES_FOUND
    elif any(limit.gap for limit in gaps):
        verdict = ReviewVerdict.INCOMPLETE
    else:
        verdict = ReviewVerdict.NO_WEAKNESS_FOUND
    return Review(targets=tuple(targets), verdict=verdict, results=ordered, limits=gaps, files=looked_at, counts=counts)


def _order(result: Result) -> tuple[object, ...]:
    claim = result.claim
    return claim.location.path, claim.location.start, claim.location.end, claim.rule, claim.message, result.fingerprint


def _count(results: tuple[Result, ...], files: tuple[ReviewedFile, ...]) -> Counts:
    counted = [result for result in results if result.counts]
    kinds = Counter(type(result.claim) for result in counted)
    severities = Counter(r.claim.severity for r in counted if isinstance(r.claim, Finding))
    return Counts(
        files=len(files),
        lines=sum(file.lines for file in files),
        binaries=sum(file.is_binary for file in files),
        evidence=kinds[Evidence],
        findings=kinds[Finding],
        undecided=kinds[Undecided],
        not_applicable=kinds[NotApplicable],
        waived=sum(result.waiver is not None for result in results),
        new=sum(result.state is BaselineState.NEW and isinstance(result.claim, Finding) for result in counted),
        by_severity=tuple((severity, severities[severity]) for severity in reversed(Severity) if severities[severity]),
    )
