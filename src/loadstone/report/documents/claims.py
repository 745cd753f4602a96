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
    """as it was given, or found below what was given"""
    start: int
    """the first line from 1, or the offset of the first byte"""
    end: int
    """the last line, or the offset behind the last byte; both 0: the file as a whole"""
    unit: str
    """lines or bytes"""


class WhyDocument(msgspec.Struct, frozen=True):
    """One step of the path that shows a claim."""

    location: LocationDocument
    """where the step happens"""
    message: str
    """what happens there"""
    kind: str
    """acquire, use, call and other words for the kind of step; may be empty"""


class ClaimDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of one rule at one place. ``met`` of ``sites`` are counted for evidence only."""

    rule: str
    """the rule's id; `loadstone rules ID` explains it"""
    outcome: str
    """yes (evidence), no (a finding), cannot tell or not applicable"""
    cwe: int | None
    """the weakness, of findings and open questions"""
    practice: str | None
    """which practice the rule looks for"""
    severity: str | None
    """of findings: note, low, medium, high or critical"""
    confidence: str
    """certain, likely or possible"""
    location: LocationDocument
    """where it is"""
    message: str
    """a sentence for people; it may change between releases"""
    why: list[WhyDocument]
    """the path that shows it, step by step"""
    fix: str
    """what to do, of findings"""
    context: str
    """the function, class or field it is in"""
    condition: str
    """the build condition (`#if`) it holds under"""
    reason: str
    """why it cannot be told, of open questions"""
    settled_by: str | None
    """probe, fuzz or human, of open questions"""
    met: int | None
    """places that have the practice, of evidence"""
    sites: int | None
    """places that should have it, of evidence"""
    places: list[LocationDocument]
    """further places that show it, of evidence"""


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
