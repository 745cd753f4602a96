"""Examples, tests and documentation: what is found there weighs one step less than in the product itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from loadstone.core.claims import Finding, Severity
from loadstone.core.review import Result

__all__ = ["lessened"]

_KINDS: Final = {
    "benchmark": "a benchmark",
    "demo": "a demonstration",
    "doc": "documentation",
    "example": "an example",
    "sample": "an example",
    "test": "a test",
}
"""What a folder of this name, or of its plural, holds."""


def lessened(results: Iterable[Result], targets: Sequence[str]) -> Iterator[Result]:
    """The results, those in a folder of examples, tests or documentation one step less severe, and saying so.

    Only folders below a target count: whoever names an example wants it reviewed as what it is.
    """
    tops = [PurePosixPath(target.replace("\\", "/")) for target in targets]
    for result in results:
        kind = _kind(result.claim.location.path, tops)
        if kind and isinstance(result.claim, Finding):
            claim = result.claim
            message = f"{claim.message} This is {kind}: one step less severe."
            yield replace(result, claim=replace(claim, severity=_below(claim.severity), message=message))
        else:
            yield result


def _kind(path: str, tops: Sequence[PurePosixPath]) -> str:
    """What the folder below its target that a file is in holds; empty for the product itself."""
    file = PurePosixPath(path)
    top = next((top for top in tops if file.is_relative_to(top)), None)
    inner = file.relative_to(top).parts[:-1] if top is not None else ()
    kinds = (_KINDS.get(name) or _KINDS.get(name.removesuffix("s")) for name in map(str.lower, inner))
    return next((kind for kind in kinds if kind is not None), "")


def _below(severity: Severity) -> Severity:
    steps = tuple(Severity)
    return steps[max(severity.rank - 1, 0)]
