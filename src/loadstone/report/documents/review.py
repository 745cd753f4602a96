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
    """what narrows it: time, size, a file that cannot be read and others"""
    location: LocationDocument
    """the file, or the tool"""
    message: str
    """a sentence for people"""
    gap: bool
    """whether no clean verdict can be given without it"""


class SuppressedDocument(msgspec.Struct, frozen=True):
    """A finding that was waived: the claim, why, where that was written, until when."""

    claim: ClaimDocument
    """the finding"""
    reason: str
    """what was written for it"""
    location: LocationDocument
    """where the waiver is written"""
    until: str | None
    """the day it ends (YYYY-MM-DD), if it does"""


class CountsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """How much was looked at, and what came of it."""

    files: int
    """files of source that were reviewed"""
    lines: int
    """their lines"""
    binaries: int
    """binaries that were reviewed"""
    evidence: int
    """answers yes"""
    findings: int
    """answers no that count: not waived, and not gone"""
    undecided: int
    """questions left open"""
    not_applicable: int
    """questions without a site"""
    suppressed: int
    """findings that are waived"""
    new: int
    """findings that the baseline has not got"""
    by_severity: dict[str, int]
    """findings that count, by severity"""


class FileDocument(msgspec.Struct, frozen=True):
    """A file that was looked at; ``lines`` is 0 for binaries."""

    path: str
    """as it was given, or found below what was given"""
    language: str
    """of source; the format of binaries"""
    lines: int
    """0 for binaries"""
    digest: str
    """SHA-256, in hexadecimal digits; may be empty"""


class ReviewClaimDocument(ClaimDocument, frozen=True, kw_only=True):
    """A claim with its fingerprint, its relation to the baseline, and the tools that say the same."""

    fingerprint: str
    """32 hexadecimal digits that stay when lines move; see daily use"""
    state: str | None
    """new, unchanged, updated or absent, with a baseline"""
    engines: list[str]
    """the other tools that say the same"""


class ReviewDocument(Document, frozen=True, kw_only=True):
    """The whole review. ``claims`` are those that count; waived findings are under ``suppressed``."""

    schema: str = "loadstone.review/1"
    """the kind of document and its version"""
    targets: list[str]
    """what was asked about"""
    verdict: str
    """the answer in a word; see the exit statuses"""
    claims: list[ReviewClaimDocument]
    """every claim that counts"""
    counts: CountsDocument
    """how much was looked at, and what came of it"""
    limits: list[LimitDocument]
    """what narrows the answer"""
    suppressed: list[SuppressedDocument]
    """findings that are waived"""
    files: list[FileDocument]
    """what was looked at"""


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
