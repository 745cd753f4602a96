"""Where a library is, as JSON."""

from __future__ import annotations

import msgspec

from loadstone.core.trace import SearchStep, Trace
from loadstone.report.json import Document

__all__ = ["FindDocument", "find_document"]


class FindStepDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate, what came of it and why."""

    rule: str
    candidate: str
    outcome: str
    reason: str
    source: str
    errno: int | None


class FindDocument(Document, frozen=True, kw_only=True):
    """The search for one name. ``path`` is null when nothing was found; ``advice`` then says what to do."""

    name: str
    path: str | None
    how: str
    steps: list[FindStepDocument]
    advice: str


def find_document(trace: Trace, advice: str = "") -> FindDocument:
    """The trace, candidates in order."""
    return FindDocument(
        schema="loadstone.find/1",
        name=trace.name,
        path=trace.path,
        how=trace.how,
        steps=[_step(step) for step in trace.steps],
        advice=advice,
    )


def _step(step: SearchStep) -> FindStepDocument:
    return FindStepDocument(
        rule=step.rule,
        candidate=step.candidate,
        outcome=step.outcome.value,
        reason=step.reason,
        source=step.source,
        errno=step.errno,
    )
