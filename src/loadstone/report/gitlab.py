"""A review as a GitLab Code Quality report: the findings that count, which GitLab compares itself by fingerprint.

Source: GitLab documentation, "Code Quality report format".
"""

from __future__ import annotations

from typing import Final

import msgspec

from loadstone.core.claims import Finding, LocationUnit, Severity
from loadstone.core.review import Review
from loadstone.escape import printable

__all__ = ["render"]

_SEVERITY: Final = {
    Severity.NOTE: "info",
    Severity.LOW: "minor",
    Severity.MEDIUM: "major",
    Severity.HIGH: "critical",
    Severity.CRITICAL: "blocker",
}


class _Lines(msgspec.Struct, frozen=True):
    begin: int


class _Place(msgspec.Struct, frozen=True):
    path: str
    lines: _Lines


class _Issue(msgspec.Struct, frozen=True):
    description: str
    check_name: str
    fingerprint: str
    severity: str
    location: _Place


def render(review: Review) -> str:
    """The report, a JSON array. A binary has no lines: its findings stand at line 1."""
    issues = [
        _Issue(
            description=printable(claim.message),
            check_name=claim.rule,
            fingerprint=result.fingerprint,
            severity=_SEVERITY[claim.severity],
            location=_Place(
                printable(claim.location.path).removeprefix("./"),
                _Lines(claim.location.start if claim.location.unit is LocationUnit.LINES else 1),
            ),
        )
        for result in review.results
        if result.counts and isinstance(claim := result.claim, Finding)
    ]
    return msgspec.json.format(msgspec.json.encode(issues), indent=2).decode() + "\n"
