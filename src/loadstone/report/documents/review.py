"""A review as JSON, and the rules it asked."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from loadstone.core.review import Limit, Result, Review
from loadstone.core.rules import RuleText
from loadstone.report.documents.claims import ClaimDocument, LocationDocument, claim_document, location_document
from loadstone.report.json import Document

__all__ = [
    "CountsDocument",
    "FileDocument",
    "LimitDocument",
    "ReviewDocument",
    "RuleDocument",
    "RulesDocument",
    "SuppressedDocument",
    "review_document",
    "rules_document",
]


class LimitDocument(msgspec.Struct, frozen=True):
    """Something that narrows what the review can say; ``gap``: no clean verdict without it."""

    kind: str
    location: LocationDocument
    message: str
    gap: bool


class SuppressedDocument(msgspec.Struct, frozen=True):
    """A finding that was waived: the claim, why, where that was written, until when."""

    claim: ClaimDocument
    reason: str
    location: LocationDocument
    until: str | None


class CountsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """How much was looked at, and what came of it."""

    files: int
    lines: int
    binaries: int
    evidence: int
    findings: int
    undecided: int
    not_applicable: int
    suppressed: int
    new: int
    by_severity: dict[str, int]


class FileDocument(msgspec.Struct, frozen=True):
    """A file that was looked at; ``lines`` is 0 for binaries."""

    path: str
    language: str
    lines: int
    digest: str


class ReviewClaimDocument(ClaimDocument, frozen=True, kw_only=True):
    """A claim with its fingerprint, its relation to the baseline, and the tools that say the same."""

    fingerprint: str
    state: str | None
    engines: list[str]


class ReviewDocument(Document, frozen=True, kw_only=True):
    """The whole review. ``claims`` are those that count; waived findings are under ``suppressed``."""

    schema: str = "loadstone.review/1"
    targets: list[str]
    verdict: str
    claims: list[ReviewClaimDocument]
    counts: CountsDocument
    limits: list[LimitDocument]
    suppressed: list[SuppressedDocument]
    files: list[FileDocument]


def _claim(result: Result) -> ReviewClaimDocument:
    document = claim_document(result.claim)
    return ReviewClaimDocument(
        **{name: getattr(document, name) for name in ClaimDocument.__struct_fields__},
        fingerprint=result.fingerprint,
        state=result.state.value if result.state else None,
        engines=list(result.engines),
    )


def _limit(limit: Limit) -> LimitDocument:
    return LimitDocument(limit.kind.value, location_document(limit.location), limit.message, limit.gap)


def review_document(review: Review) -> ReviewDocument:
    """The review with every key of the contract."""
    counts = review.counts
    return ReviewDocument(
        targets=list(review.targets),
        verdict=review.verdict.value,
        claims=[_claim(result) for result in review.results if result.waiver is None],
        counts=CountsDocument(
            files=counts.files,
            lines=counts.lines,
            binaries=counts.binaries,
            evidence=counts.evidence,
            findings=counts.findings,
            undecided=counts.undecided,
            not_applicable=counts.not_applicable,
            suppressed=counts.waived,
            new=counts.new,
            by_severity={severity.value: count for severity, count in counts.by_severity},
        ),
        limits=[_limit(limit) for limit in review.limits],
        suppressed=[
            SuppressedDocument(
                claim_document(result.claim),
                result.waiver.reason,
                location_document(result.waiver.location),
                result.waiver.until.isoformat() if result.waiver.until else None,
            )
            for result in review.results
            if result.waiver is not None
        ],
        files=[FileDocument(file.path, file.language, file.lines, file.digest) for file in review.files],
    )


class RuleDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A rule in words."""

    id: str
    question: str
    why: str
    practice: str
    cwe: list[int]
    severity: str
    applies_to: list[str]
    bad: str
    good: str
    fix: str
    references: list[str]


class RulesDocument(Document, frozen=True, kw_only=True):
    """Several rules in words."""

    schema: str = "loadstone.rules/1"
    rules: list[RuleDocument]


def rules_document(rules: Sequence[RuleText]) -> RulesDocument:
    """The rules with every key."""
    return RulesDocument(
        rules=[
            RuleDocument(
                id=rule.id,
                question=rule.question,
                why=rule.why,
                practice=rule.practice.value,
                cwe=list(rule.cwe),
                severity=rule.severity.value,
                applies_to=list(rule.applies_to),
                bad=rule.bad,
                good=rule.good,
                fix=rule.fix,
                references=list(rule.references),
            )
            for rule in rules
        ]
    )
