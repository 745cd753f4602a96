"""The graph of values that travel: places, sources, moves between them, and the sinks they may reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from loadstone.review import ir
from loadstone.review.analyses.state import Spot

if TYPE_CHECKING:
    from loadstone.review.analyses.travel.names import PythonNames

__all__ = [
    "Arrival",
    "Check",
    "Move",
    "Piece",
    "Place",
    "Shape",
    "Sink",
    "SinkKind",
    "Travels",
    "ValueSource",
    "Visit",
    "clears",
]

Place: TypeAlias = tuple[str, ...]
"""A variable (``v``, file, function, name), an attribute (``a``, class, name), or a result (``r``, file, function)."""

Check: TypeAlias = tuple[str, Spot]
"""What was asked of a value, and where."""


_MAX_CAME_FROM: Final = 400
"""Places a value is followed back through; real ones come through a handful."""


class Shape(StrEnum):
    """How much of what rests in a place is the value."""

    WHOLE = "whole"
    PART = "part"
    JOINED = "joined"
    NUMBER = "number"


_CLEARS: Final = frozenset({"allowed", "characters", "inside", "bare", "verified"})


def clears(check: Check) -> bool:
    """Whether a value that passed this decides no longer what is loaded, or only among what the program chose."""
    return check[0].partition(" ")[0] in _CLEARS


@dataclass(frozen=True, slots=True)
class ValueSource:
    """Where a value comes in: who controls it."""

    kind: str
    spot: Spot


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of what an expression gives: a place or a source it came from, in which shape, with what was checked."""

    origin: Place | ValueSource
    shape: Shape = Shape.WHOLE
    checks: frozenset[Check] = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """A value moves on to a place at a line."""

    piece: Piece
    to: Place
    spot: Spot


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """One statement of a function, and which expressions had passed which checks before it."""

    unit: ir.Unit
    function: ir.Function
    statement: ir.Statement
    known: Mapping[str, frozenset[Check]]

    def checks(self, name: str) -> frozenset[str]:
        """What an expression, as it is spelled, was asked before."""
        return frozenset(kind for kind, _ in self.known.get(name, ()))


class SinkKind(StrEnum):
    """What a value decides where it ends."""

    LOAD = "load"
    SYMBOL = "symbol"
    DIRECTORY = "directory"
    ENVIRONMENT = "environment"
    VARIABLES = "variables"  # which variables of an environment are set, whatever they are called
    COMMAND = "command"
    ADDRESS = "address"
    LOOK = "look"  # a file is opened or asked about by its name
    READ = "read"  # a file is opened for reading by its name
    CHANGE = "change"  # a file is removed, or a folder or a link is made, by its name
    COPY = "copy"  # a file is copied by its name
    WRITE = "write"  # a file is made or replaced
    CODE = "code"  # a text is run as Python
    SOURCE = "source"  # a text is compiled, or read as declarations of C
    SQL = "sql"  # a text is run as a statement of a database
    OBJECTS = "objects"  # bytes are turned back into objects of any class
    FORMAT = "format"
    ATTRIBUTE = "attribute"  # the name of what is set
    OPTION = "option"  # one of the words that a program is started with
    PROGRAM = "program"  # which program is started


@dataclass(frozen=True, slots=True, eq=False)
class Sink:
    """A call that hands a value on to the loader, a shell or the memory; ``name`` is what is called or set."""

    kind: SinkKind
    name: str
    spot: Spot
    pieces: tuple[Piece, ...]
    call: ir.Call | None = None
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A value that came from a source and got to a sink; ``checked`` are checks that cleared it, ``way`` the moves."""

    sink: Sink
    source: ValueSource
    shape: Shape
    checked: frozenset[Check]
    asked: frozenset[Check]
    way: tuple[Move, ...]


@dataclass(slots=True)
class Travels:
    """Everything found about one program.

    ``invariants`` are the checks that an attribute has passed in every object: its class was made with them.
    ``visits`` are its statements with the checks in force at each, ``calls`` its calls by identity with their visits.
    """

    names: PythonNames
    visits: list[Visit] = field(default_factory=list)
    calls: dict[int, tuple[ir.Call, Visit]] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    sinks: list[Sink] = field(default_factory=list)
    arrivals: tuple[Arrival, ...] = ()
    before: dict[Place, list[Place]] = field(default_factory=dict)
    invariants: dict[Place, frozenset[Check]] = field(default_factory=dict)

    def came_from(self, pieces: Iterable[Piece]) -> frozenset[Place]:
        """The places whose whole value the pieces may be, near ones and far."""
        found: set[Place] = set()
        work = [
            piece.origin for piece in pieces if piece.shape is Shape.WHOLE and not isinstance(piece.origin, ValueSource)
        ]
        while work and len(found) < _MAX_CAME_FROM:
            place = work.pop()
            if place not in found:
                found.add(place)
                work += self._before.get(place, ())
        return frozenset(found)

    @property
    def _before(self) -> dict[Place, list[Place]]:
        if not self.before:
            for move in self.moves:
                if move.piece.shape is Shape.WHOLE and not isinstance(move.piece.origin, ValueSource):
                    self.before.setdefault(move.to, []).append(move.piece.origin)
        return self.before

    def at(self, *kinds: SinkKind) -> Iterator[Arrival]:
        """The arrivals at sinks of these kinds, in the order of the source."""
        return (arrival for arrival in self.arrivals if arrival.sink.kind in kinds)

    def move(self, pieces: Iterable[Piece], to: Place, spot: Spot) -> None:
        """Note that pieces move to a place."""
        self.moves.extend(Move(piece, to, spot) for piece in pieces)
