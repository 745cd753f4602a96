"""The sources of one input reviewed: what ``loadstone review`` says of a package or a loose file, as rows."""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.core.claims import Claim, Finding, LocationUnit, NotApplicable
from loadstone.fleet.rows import cwe_of
from loadstone.review.engine import review

__all__ = ["reviewed_sources"]


def reviewed_sources(path: str) -> Iterator[tuple[object, ...]]:
    """A row for each answer of a rule over the sources of a package, or over a file that is one.

    Raises as :func:`loadstone.review.engine.review`. What rules say of binaries is left out: that is in ``claims``.
    """
    for result in review([path]).results:
        claim = result.claim
        if claim.location.unit is LocationUnit.LINES and not isinstance(claim, NotApplicable):
            yield _row(claim, path)


def _row(claim: Claim, path: str) -> tuple[object, ...]:
    severity = claim.severity.value if isinstance(claim, Finding) else None
    where = claim.location
    inside = where.path.removeprefix(f"{path}!/")
    return claim.rule, claim.outcome.value, severity, cwe_of(claim), claim.message, inside, where.start, where.end
