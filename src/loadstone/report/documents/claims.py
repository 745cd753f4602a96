"""Claims and places as JSON: the part that review, probe, explanation and examination documents share."""

from __future__ import annotations

import msgspec

from loadstone.core.claims import Claim, Evidence, Finding, FlowStep, Location, Undecided

__all__ = [
    "ClaimDocument",
    "LocationDocument",
    "WhyDocument",
    "claim_document",
    "location_document",
]


class LocationDocument(msgspec.Struct, frozen=True):
    """``unit`` says what ``start`` and ``end`` count: lines (from 1, end included) or bytes (from 0, end excluded)."""

    path: str
    start: int
    end: int
    unit: str


class WhyDocument(msgspec.Struct, frozen=True):
    """One step of the path that shows a claim."""

    location: LocationDocument
    message: str
    kind: str


class ClaimDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of one rule at one place. ``met`` of ``sites`` are counted for evidence only."""

    rule: str
    outcome: str
    cwe: int | None
    practice: str | None
    severity: str | None
    confidence: str
    location: LocationDocument
    message: str
    why: list[WhyDocument]
    fix: str
    context: str
    condition: str
    reason: str
    settled_by: str | None
    met: int | None
    sites: int | None
    places: list[LocationDocument]


def location_document(location: Location) -> LocationDocument:
    """The place with its unit spelled out."""
    return LocationDocument(location.path, location.start, location.end, location.unit.value)


def _why(step: FlowStep) -> WhyDocument:
    return WhyDocument(location_document(step.location), step.message, step.kind)


def claim_document(claim: Claim) -> ClaimDocument:
    """The claim with every key present; what its kind does not have is null or empty."""
    finding = claim if isinstance(claim, Finding) else None
    evidence = claim if isinstance(claim, Evidence) else None
    undecided = claim if isinstance(claim, Undecided) else None
    return ClaimDocument(
        rule=claim.rule,
        outcome=claim.outcome.value,
        cwe=finding.cwe if finding else undecided.cwe if undecided else None,
        practice=claim.practice.value if claim.practice else None,
        severity=finding.severity.value if finding else None,
        confidence=claim.confidence.value,
        location=location_document(claim.location),
        message=claim.message,
        why=[_why(step) for step in claim.why],
        fix=finding.fix if finding else "",
        context=claim.context,
        condition=claim.condition,
        reason=undecided.reason if undecided else "",
        settled_by=undecided.settled_by.value if undecided else None,
        met=evidence.met if evidence else None,
        sites=evidence.sites if evidence else None,
        places=[location_document(place) for place in evidence.places] if evidence else [],
    )
