"""bandit: general Python checks, as JSON. Source: bandit documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from loadstone.core.claims import Confidence, Severity
from loadstone.review.engines.tool import Engine, Foreign
from loadstone.review.ir import Language

__all__ = ["BANDIT"]

_SEVERITY: Final = {"HIGH": Severity.HIGH, "MEDIUM": Severity.MEDIUM, "LOW": Severity.LOW}
_CONFIDENCE: Final = {"HIGH": Confidence.LIKELY, "MEDIUM": Confidence.POSSIBLE, "LOW": Confidence.POSSIBLE}


class _Cwe(msgspec.Struct):
    id: int = 0


class _Issue(msgspec.Struct):
    filename: str
    line_number: int
    test_id: str
    issue_text: str
    issue_severity: str
    issue_confidence: str
    issue_cwe: _Cwe = msgspec.field(default_factory=_Cwe)


class _Report(msgspec.Struct):
    results: list[_Issue]


def _read(said: str) -> Iterator[Foreign]:
    for issue in msgspec.json.decode(said, type=_Report).results:
        yield Foreign(
            path=issue.filename,
            line=issue.line_number,
            id=issue.test_id,
            message=issue.issue_text,
            severity=_SEVERITY.get(issue.issue_severity, Severity.LOW),
            cwe=issue.issue_cwe.id or None,
            confidence=_CONFIDENCE.get(issue.issue_confidence, Confidence.POSSIBLE),
        )


BANDIT: Final = Engine(
    name="bandit",
    program="bandit",
    languages=frozenset({Language.PYTHON}),
    arguments=("--format", "json", "--quiet", "--"),
    read=_read,
)
