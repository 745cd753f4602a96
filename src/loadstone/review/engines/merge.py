"""Findings of several tools about one place become one: agreement raises confidence, and nothing is said twice."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from loadstone.core.claims import Confidence, Finding, Location, LocationUnit
from loadstone.core.fingerprints import fingerprints, statements
from loadstone.core.review import Result
from loadstone.errors import LoadstoneError
from loadstone.escape import printable
from loadstone.files import read_bytes
from loadstone.review.engines.tool import Foreign

__all__ = ["merge", "same_class"]

_NEAR: Final = 3
"""Lines by which two tools may differ about where something is."""

_CLASSES: Final = (
    frozenset({415, 416, 672, 675, 763, 825, 910}),
    frozenset({401, 404, 459, 772, 775, 911}),
    frozenset({252, 253, 390, 391, 476, 690, 703, 754, 755}),
    frozenset({119, 120, 121, 122, 125, 131, 190, 787, 788, 805}),
    frozenset({15, 20, 22, 73, 114, 426, 427, 829}),
    frozenset({77, 78, 88}),
    frozenset({59, 362, 367, 377, 379}),
    frozenset({362, 366, 567, 609, 662, 667, 764, 765, 833}),
    frozenset({242, 676, 477}),
    frozenset({345, 347, 353, 494}),
    frozenset({250, 269, 272, 273}),
    frozenset({276, 732}),
)
"""CWE numbers that tools use for one thing, after the parent relations of CWE view 1000."""

_RAISED: Final = {Confidence.POSSIBLE: Confidence.LIKELY, Confidence.LIKELY: Confidence.CERTAIN}


def same_class(one: int | None, other: int | None) -> bool:
    """Whether two CWE numbers are about the same kind of weakness.

    >>> same_class(690, 476)
    True
    """
    if one is None or other is None:
        return False
    return one == other or any(one in group and other in group for group in _CLASSES)


def _agrees(result: Result, path: str, foreign: Foreign) -> bool:
    claim = result.claim
    return (
        isinstance(claim, Finding)
        and claim.location.unit is LocationUnit.LINES
        and same_class(claim.cwe, foreign.cwe)
        and claim.location.start - _NEAR <= foreign.line <= claim.location.end + _NEAR
        and os.path.realpath(claim.location.path) == path
    )


def merge(results: Sequence[Result], name: str, found: Iterable[Foreign]) -> tuple[Result, ...]:
    """The results with a tool's findings in them: one that agrees strengthens ours, any other is added."""
    merged = [*results]
    added: list[Finding] = []
    spelled = {os.path.realpath(r.claim.location.path): r.claim.location.path for r in results}
    for foreign in found:
        path = os.path.realpath(foreign.path)
        position = next((i for i, result in enumerate(merged) if _agrees(result, path, foreign)), None)
        if position is None:
            added.append(_finding(name, foreign, spelled.get(path, os.path.normpath(foreign.path))))
            continue
        known = merged[position]
        if name not in known.engines:
            confidence = _RAISED.get(known.claim.confidence, known.claim.confidence)
            stronger = replace(known.claim, confidence=confidence)
            merged[position] = replace(known, claim=stronger, engines=(*known.engines, name))
    new = zip(added, fingerprints(added, statements(_lines)), strict=True)
    return (*merged, *(Result(finding, fingerprint, engines=(name,)) for finding, fingerprint in new))


def _lines(path: str) -> list[str]:
    """Of a file that a tool read; none where it is gone since."""
    try:
        return read_bytes(path).decode("utf-8", errors="replace").split("\n")
    except LoadstoneError:
        return []


def _finding(name: str, foreign: Foreign, path: str) -> Finding:
    return Finding(
        rule=f"{name}/{printable(foreign.id, 80)}",
        message=foreign.message,
        location=Location.lines(path, foreign.line),
        confidence=foreign.confidence,
        severity=foreign.severity,
        cwe=foreign.cwe,
    )
