"""Which sources reach which sinks: a walk over the moves, breadth first, each place and shape once a source."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.travel.collect import collect
from loadstone.review.analyses.travel.flows import (
    Arrival,
    Check,
    Move,
    Piece,
    Place,
    Shape,
    Sink,
    SinkKind,
    Travels,
    ValueSource,
    clears,
)
from loadstone.review.apis import Tables

__all__ = ["travels"]

_MAX_VISITS: Final = 20_000
"""Places visited from one source; real values reach some dozens."""

_NUMERIC: Final = frozenset({SinkKind.ADDRESS})

_State = tuple[Place, Shape]


def travels(program: ir.Program, tables: Tables) -> Travels:
    """The graph of a program's Python files, with every arrival at a sink."""
    found = collect(program, tables)
    found.arrivals = tuple(_arrivals(found))
    return found


def _arrivals(found: Travels) -> Iterator[Arrival]:
    onward: dict[Place, list[Move]] = {}
    starts: dict[ValueSource, list[Move]] = {}
    for move in found.moves:
        if isinstance(move.piece.origin, ValueSource):
            starts.setdefault(move.piece.origin, []).append(move)
        else:
            onward.setdefault(move.piece.origin, []).append(move)
    ends: dict[Place, list[tuple[Sink, Piece]]] = {}
    made: list[Arrival] = []
    for sink in found.sinks:
        for piece in sink.pieces:
            if isinstance(piece.origin, ValueSource):
                made.append(_arrived(sink, piece.origin, piece, piece.shape, frozenset(), ()))
            else:
                ends.setdefault(piece.origin, []).append((sink, piece))
    if ends:
        for source, first in starts.items():
            made.extend(_from(source, first, onward, ends))
    best: dict[tuple[Sink, ValueSource, bool], Arrival] = {}
    for arrival in made:
        if (arrival.shape is Shape.NUMBER) is (arrival.sink.kind in _NUMERIC) or _may_be_number(arrival):
            best.setdefault((arrival.sink, arrival.source, bool(arrival.checked)), arrival)
    order = sorted(
        best.values(), key=lambda a: (a.sink.spot, a.source.spot, a.source.kind, bool(a.checked), len(a.way))
    )
    yield from order


def _may_be_number(arrival: Arrival) -> bool:
    """``FUNCTION(message["address"])``: an entry of what was decoded is taken for an address where only that fits."""
    call = arrival.sink.call
    if arrival.sink.kind is not SinkKind.ADDRESS or call is None or arrival.shape is not Shape.WHOLE:
        return False
    fits = call.name == "ctypes.CFUNCTYPE.__call__" or call.name.rpartition(".")[2] == "from_address"
    return fits and len(call.arguments) == 1 and isinstance(call.arguments[0], ir.Item)


def _from(
    source: ValueSource, first: list[Move], onward: dict[Place, list[Move]], ends: dict[Place, list[tuple[Sink, Piece]]]
) -> Iterator[Arrival]:
    """Walk from one source; checks that clear are carried along, so that good code can be praised."""
    work: deque[tuple[Place, Shape, frozenset[Check], tuple[Move, ...]]] = deque()
    seen: set[tuple[Place, Shape, bool]] = set()

    def go(move: Move, shape: Shape, checks: frozenset[Check], way: tuple[Move, ...]) -> None:
        turned, checked = _joined(shape, move.piece.shape), checks | move.piece.checks
        key = (move.to, turned, _clears(checked))
        if key not in seen and len(seen) < _MAX_VISITS:
            seen.add(key)
            work.append((move.to, turned, checked, (*way, move)))

    for move in first:
        go(move, Shape.WHOLE, frozenset(), ())
    while work:
        place, shape, checks, way = work.popleft()
        for sink, piece in ends.get(place, ()):
            yield _arrived(sink, source, piece, _joined(shape, piece.shape), checks, way)
        for move in onward.get(place, ()):
            go(move, shape, checks, way)


def _arrived(
    sink: Sink, source: ValueSource, piece: Piece, shape: Shape, checks: frozenset[Check], way: tuple[Move, ...]
) -> Arrival:
    asked = checks | piece.checks
    return Arrival(sink, source, shape, frozenset(c for c in asked if _cleared(c, way)), asked, way)


def _cleared(check: Check, way: tuple[Move, ...]) -> bool:
    """Whether a check clears what came this way; lying inside a directory says nothing of the directory itself."""
    root = check[0].removeprefix("inside ")
    if root != check[0]:
        spot = check[1]
        return ("v", spot.path, spot.function, root) not in (move.to for move in way)
    return clears(check)


def _clears(checks: frozenset[Check]) -> bool:
    return any(clears(check) for check in checks)


def _joined(before: Shape, then: Shape) -> Shape:
    """How much is left of a value of one shape after a move of another."""
    if then is Shape.WHOLE:
        return before
    if before is Shape.NUMBER or then is Shape.NUMBER:
        return Shape.NUMBER
    return Shape.JOINED if Shape.JOINED in {before, then} else Shape.PART
