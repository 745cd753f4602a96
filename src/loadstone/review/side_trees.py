"""Examples, tests, documentation and build scripts: what is found there weighs one step less than in the product."""

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
    "testsuite": "a test",
    "unittest": "a test",
    "xtest": "a test",
}
"""What a folder of this name, or of its plural, holds."""


_FILES: Final = {"conftest.py": "a test", "setup.py": "a build script"}
"""What a file of this name is, wherever it lies. Source: the manuals of pytest and of setuptools."""


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
    return next((kind for kind in kinds if kind is not None), _FILES.get(file.name, "") if file not in tops else "")


def _below(severity: Severity) -> Severity:
    steps = tuple(Severity)
    return steps[max(severity.rank - 1, 0)]
