"""Values that reached a place where they decide what runs: how a report shows the way they took."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import FlowStep
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.travel import Arrival, Shape, SinkKind
from loadstone.review.analyses.values import Spot
from loadstone.review.rules.places import step

__all__ = ["CURRENT", "WEAK", "by_sink", "from_where", "reads_lines", "steps"]

_MAX_STEPS: Final = 12

CURRENT: Final = "current directory"
"""The kind of source whose loads the rule on search paths judges."""

WEAK: Final = frozenset({"user's own place", "output of another program", CURRENT})
"""Sources of which it depends on who runs the program whether they are somebody else's."""


def by_sink(facts: Facts, *kinds: SinkKind) -> Iterator[tuple[Arrival, bool]]:
    """The arrivals worth a claim: one a sink, the worst; and whether it went unchecked."""
    chosen: dict[object, Arrival] = {}
    for arrival in facts.travels.at(*kinds):
        if arrival.source.kind == CURRENT:
            continue
        known = chosen.get(arrival.sink)
        if known is None or _rank(arrival) < _rank(known):
            chosen[arrival.sink] = arrival
    for arrival in chosen.values():
        yield arrival, not arrival.checked


def _rank(arrival: Arrival) -> tuple[bool, bool, int, int]:
    order = (Shape.WHOLE, Shape.JOINED, Shape.PART, Shape.NUMBER)
    return bool(arrival.checked), arrival.source.kind in WEAK, order.index(arrival.shape), len(arrival.way)


def from_where(arrival: Arrival) -> str:
    """``the network (line 7)``, ``the environment (config.py, line 3)``."""
    spot = arrival.source.spot
    where = f"line {spot.line}" if spot.path == arrival.sink.spot.path else f"{spot.path}, line {spot.line}"
    return f"{_article(arrival.source.kind)} ({where})"


def _article(kind: str) -> str:
    return "a place of the user's own" if kind == "user's own place" else f"the {kind}"


def steps(arrival: Arrival, last: str) -> tuple[FlowStep, ...]:
    """The way a value took, each line once; the middle of a long one is left out."""
    source = arrival.source
    shown: list[FlowStep] = [step(source.spot, f"read from {_article(source.kind)}", "taint")]
    lines = {(source.spot.path, source.spot.line), (arrival.sink.spot.path, arrival.sink.spot.line)}
    for move in arrival.way:
        key = move.spot.path, move.spot.line
        if key not in lines:
            lines.add(key)
            shown.append(step(move.spot, f"moves on to {move.to[-1]}", "call"))
    if len(shown) > _MAX_STEPS:
        half = _MAX_STEPS // 2
        shown = [*shown[:half], *shown[-half:]]
    return (*shown, step(arrival.sink.spot, last, "use"))


_LINES: Final = re.compile(r"gets|scanf|getline|getdelim|getws")


def reads_lines(facts: Facts, spot: Spot) -> bool:
    """C and C++: whether what is read at a line are lines of text, more often settings than what somebody sends."""
    functions = (f for u in facts.program.units if u.path == spot.path for f in u.functions if f.name == spot.function)
    return any(c.line == spot.line and _LINES.search(c.name) for f in functions for c in calls_in(f.body))
