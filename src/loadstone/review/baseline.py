"""What is new since an earlier review, by fingerprint: nothing is dropped, everything is marked.

A baseline is a SARIF file of an earlier run. Results that are in it are unchanged (or updated, when the sentence
differs), others are new; findings of the baseline that are gone are listed as absent, so that platforms close them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from loadstone.core.claims import Finding, Location, Severity
from loadstone.core.review import BaselineState, Result
from loadstone.errors import Unreadable
from loadstone.files import read_bytes

__all__ = ["FINGERPRINT", "Baseline", "compare", "read_baseline"]

FINGERPRINT: Final = "loadstoneRule/v1"
"""The key under ``partialFingerprints`` that results carry."""

_LEVELS: Final = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW}


@dataclass(frozen=True, slots=True)
class Known:
    """A result of an earlier review: what it said, and the finding it was, if it was one."""

    fingerprint: str
    message: str
    finding: Finding | None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The results of an earlier review."""

    results: tuple[Known, ...]


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


def _results(runs: list[Any]) -> Iterator[Known]:
    for run in runs:
        for given in _list(run, "results"):
            fingerprint = _get(given, "partialFingerprints", FINGERPRINT)
            if isinstance(fingerprint, str) and given.get("baselineState") != "absent":
                yield Known(fingerprint, str(_get(given, "message", "text") or ""), _finding(given))


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
    """The results marked new, unchanged or updated, then findings of the baseline that are gone, marked absent."""
    before: defaultdict[str, list[Known]] = defaultdict(list)
    for old in baseline.results:
        before[old.fingerprint].append(old)
    for result in results:
        known = before.get(result.fingerprint)
        if not known:
            yield replace(result, state=BaselineState.NEW)
            continue
        old = known.pop(0)
        same = old.message == result.claim.message
        yield replace(result, state=BaselineState.UNCHANGED if same else BaselineState.UPDATED)
    for left in before.values():
        for old in left:
            if old.finding is not None:
                yield Result(old.finding, old.fingerprint, state=BaselineState.ABSENT)
