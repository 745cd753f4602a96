"""Good practice that a line shows by itself: gathered a file and a practice at a time, as lines anybody can look up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import Asks, Guard
from loadstone.review.rules.rule import Rule

__all__ = ["Spans", "guards", "observed"]

Spans = Iterable[tuple[int, int]]
"""First and last lines."""

_PLACES: Final = 400
"""Lines of one practice that a report lists for one file."""


def observed(rule: Rule, facts: Facts, what: str, spans_of: Callable[[ir.Unit], Spans]) -> Iterator[Claim]:
    """One claim a file: ``what`` holds at these lines."""
    for unit in facts.program.units:
        spans = sorted(set(spans_of(unit)))
        if spans:
            yield rule.yes(
                what,
                Location.lines(unit.path, *spans[0]),
                met=len(spans),
                sites=len(spans),
                places=tuple(Location.lines(unit.path, a, b) for a, b in spans[:_PLACES]),
            )


def guards(facts: Facts, unit: ir.Unit, *asked: Asks) -> Iterator[Guard]:
    """The guards of a file that test one of these."""
    return (guard for guard in facts.guards[unit.path] if not guard.asks.isdisjoint(asked))
