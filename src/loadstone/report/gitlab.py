"""A review as a GitLab Code Quality report: all findings that count, known ones too.

GitLab compares the reports of the two branches itself, by fingerprint: what a report leaves out, it shows as resolved.

Source: GitLab documentation, "Code Quality report format".
"""

from __future__ import annotations

import os
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


def _from_here(path: str) -> str:
    """Relative to the current directory, which is the project's in a job, where it lies in it."""
    below = os.path.relpath(path) if not os.path.splitdrive(path)[0] else os.pardir
    return path if below.startswith(os.pardir) else below.replace(os.sep, "/")


def render(review: Review) -> str:
    """The report, a JSON array. A binary has no lines: its findings stand at line 1."""
    issues = [
        _Issue(
            description=printable(claim.message),
            check_name=claim.rule,
            fingerprint=result.fingerprint,
            severity=_SEVERITY[claim.severity],
            location=_Place(
                printable(_from_here(claim.location.path)),
                _Lines(claim.location.start if claim.location.unit is LocationUnit.LINES else 1),
            ),
        )
        for result in review.results
        if result.counts and isinstance(claim := result.claim, Finding)
    ]
    return msgspec.json.format(msgspec.json.encode(issues), indent=2).decode() + "\n"
