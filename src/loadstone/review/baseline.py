"""What is new since an earlier review, by fingerprint: nothing is dropped, everything is marked.

A baseline is a SARIF file of an earlier run. Results are compared by rule, answer, code and severity, never by sentence
or line: one that is in the baseline is unchanged (or updated, when its severity differs), others are new. Findings of
the baseline that are gone are listed as absent, so that platforms close them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from loadstone.core.claims import Finding, Location, Severity
from loadstone.core.fingerprints import PROPERTY, content_of
from loadstone.core.review import BaselineState, Result
from loadstone.errors import Unreadable
from loadstone.files import read_bytes
from loadstone.quick_dataclass import dataclass

__all__ = ["Baseline", "compare", "read_baseline"]

_LEVELS: Final = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW}


@dataclass(frozen=True, slots=True)
class EarlierResult:
    """A result of an earlier review, and the finding it was, if it was one."""

    fingerprint: str
    finding: Finding | None

    def is_as_severe_as(self, result: Result) -> bool:
        claim = result.claim
        return self.finding is None or not isinstance(claim, Finding) or claim.severity is self.finding.severity


@dataclass(frozen=True, slots=True)
class Baseline:
    """The results of an earlier review."""

    results: tuple[EarlierResult, ...]


def read_baseline(path: str | Path) -> Baseline:
    """Read a SARIF file.

    Raises:
        Unreadable: the file cannot be read, or is no SARIF 2.1.0 log.
    """
    advice = "give a file made with `loadstone review --format sarif -o FILE`"
    try:
        tree = msgspec.json.decode(read_bytes(path))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(path=str(path), reason=f"not JSON: {error}", advice=advice) from error
    if not isinstance(tree, dict) or tree.get("version") != "2.1.0" or not isinstance(tree.get("runs"), list):
        raise Unreadable(path=str(path), reason="not a SARIF 2.1.0 log", advice=advice)
    return Baseline(tuple(_results(tree["runs"])))


def _results(runs: list[Any]) -> Iterator[EarlierResult]:
    for run in runs:
        for given in _list(run, "results"):
            fingerprint = _get(given, "partialFingerprints", PROPERTY)
            if isinstance(fingerprint, str) and given.get("baselineState") != "absent":
                yield EarlierResult(fingerprint, _finding(given))


def _get(tree: Any, *keys: str | int) -> Any:
    """What stands at the end of the path, or None where it breaks off."""
    for key in keys:
        if isinstance(tree, dict) and isinstance(key, str):
            tree = tree.get(key)
        elif isinstance(tree, list) and isinstance(key, int) and len(tree) > key:
            tree = tree[key]
        else:
            return None
    return tree


def _list(tree: Any, key: str) -> list[Any]:
    found = _get(tree, key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _finding(given: dict[str, Any]) -> Finding | None:
    """As much of a finding as a report of what is gone needs."""
    if given.get("kind", "fail") != "fail":
        return None
    place = _get(given, "locations", 0, "physicalLocation")
    start = _number(_get(place, "region", "startLine"))
    severity = _get(given, "properties", "severity")
    known = Severity(severity) if severity in set(Severity) else _LEVELS.get(str(given.get("level")), Severity.MEDIUM)
    return Finding(
        rule=str(given.get("ruleId", "")),
        message=str(_get(given, "message", "text") or ""),
        location=Location.lines(
            unquote(str(_get(place, "artifactLocation", "uri") or "")),
            start,
            _number(_get(place, "region", "endLine")) or start,
        ),
        severity=known,
    )


def compare(results: Iterable[Result], baseline: Baseline) -> Iterator[Result]:
    """The results marked new, unchanged or updated, then findings of the baseline that are gone, marked absent.

    A result is first looked for in its own file, then, among what is left, in a file that was renamed or a function
    that has moved: there the content decides.
    """
    listed = [*results]
    left = [*baseline.results]
    matched: list[EarlierResult | None] = [None] * len(listed)
    for part in (str, content_of):
        waiting: defaultdict[str, list[EarlierResult]] = defaultdict(list)
        for old in left:
            waiting[part(old.fingerprint)].append(old)
        for position, result in enumerate(listed):
            candidates = waiting.get(part(result.fingerprint))
            if matched[position] is None and candidates:
                matched[position] = candidates.pop(0)
        left = [old for candidates in waiting.values() for old in candidates]
    for result, known in zip(listed, matched, strict=True):
        if known is None:
            state = BaselineState.NEW
        else:
            state = BaselineState.UNCHANGED if known.is_as_severe_as(result) else BaselineState.UPDATED
        yield replace(result, state=state)
    for old in left:
        if old.finding is not None:
            yield Result(old.finding, old.fingerprint, state=BaselineState.ABSENT)
