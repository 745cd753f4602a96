"""What a walk over lifetimes speaks of: blocks, streams and descriptors, the places that hold them, and what is known.

A value has identity, not content. ``Made`` is what one call gave in one round, ``HeldIn`` what a place held when the
function began (or since something unknown wrote to it: the version), ``Inside`` an address within a block,
``AddressOf`` that of a variable. Values are tuples that carry their kind last, so no two kinds are equal.

========  ================================================ =====================================================
state     says                                             join of two paths
========  ================================================ =====================================================
places    which value each place holds                     where both agree; elsewhere a value nobody knows
ended     where a value was given back                     where both agree: a claim needs it on every path
ranges    between which numbers a value lies               the hull
handed    what others can give back now                    union: doubt is silence
versions  how often something unknown wrote to it          the larger
========  ================================================ =====================================================

Order: a state is below another when each part is. ``ended`` only shrinks and ``handed`` only grows by joins, places
change twice, and a node is gone through a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple, TypeAlias

__all__ = [
    "ANY",
    "NULL",
    "AddressOf",
    "Computed",
    "End",
    "HeldIn",
    "Inside",
    "KnownNumber",
    "LifetimeState",
    "Made",
    "Place",
    "Range",
    "Status",
    "Text",
    "Value",
    "VariableOf",
    "depth",
    "is_vague",
    "leads_from",
    "origin",
]

_MAX_DEPTH: Final = 6
_FAR: Final = 1 << 64


class VariableOf(NamedTuple):
    """A variable by its name; ``local`` when it ends with the function."""

    name: str
    local: bool
    kind: str = "variable"


class PartOf(NamedTuple):
    """A member or an element of what ``base`` is: a place, or the value that points at it."""

    base: object
    name: object
    kind: str = "part"


Place: TypeAlias = VariableOf | PartOf


class Made(NamedTuple):
    """What the call at a line gave, in the round with this number."""

    call: int
    line: int
    number: int = 0
    kind: str = "made"


class Status(NamedTuple):
    """What a call says of something it gave through an out-parameter."""

    made: Made
    kind: str = "status"


class HeldIn(NamedTuple):
    """What a place held before anything wrote to it."""

    place: Place
    version: int = 0
    kind: str = "held"


class Inside(NamedTuple):
    """An address some way into a block: text that a pointer was moved along."""

    block: object
    by: object
    kind: str = "inside"


class AddressOf(NamedTuple):
    """The address of a place."""

    place: Place
    kind: str = "address"


class KnownNumber(NamedTuple):
    """A number; null is 0."""

    value: int
    kind: str = "number"


class Text(NamedTuple):
    """A text that stands in the source."""

    line: int
    kind: str = "text"


class Computed(NamedTuple):
    """Anything else, by how it was computed and from what."""

    how: object
    of: tuple[object, ...] = ()
    kind: str = "computed"


Value: TypeAlias = Made | Status | HeldIn | Inside | AddressOf | KnownNumber | Text | Computed
NULL: Final = KnownNumber(0)


def depth(value: object) -> int:
    """How many links lead to a value: paths longer than a few are told apart no more."""
    found = 0
    while isinstance(value, tuple) and found <= _MAX_DEPTH:
        match value:
            case HeldIn(place=inner) | AddressOf(place=inner) | PartOf(base=inner) | Inside(block=inner):
                value = inner
            case Computed(of=(inner, *_)):
                value = inner
            case _:
                break
        found += 1
    return found


def leads_from(place: object, starts: Collection[object]) -> bool:
    """Whether a place or a value is reached from one of these values."""
    while isinstance(place, tuple):
        if place in starts:
            return True
        match place:
            case HeldIn(place=inner) | AddressOf(place=inner) | PartOf(base=inner) | Inside(block=inner):
                place = inner
            case _:
                return False
    return False


def is_vague(value: object) -> bool:
    """Whether a value may be any of many: nothing is claimed of it."""
    match origin(value):
        case Computed(how=("far", *_) | ("older", *_) | ("nowhere", *_) | "far" | "nothing"):
            return True
        case HeldIn(place=place):
            start: object = place
            while isinstance(start, PartOf):
                if isinstance(start.name, tuple) and not isinstance(start.name[1], KnownNumber):
                    return True  # one of the elements of an array
                start = start.base
            return not isinstance(start, VariableOf) and is_vague(start)
    return False


def origin(value: object) -> object:
    """The block that an address lies in."""
    while isinstance(value, Inside):
        value = value.block
    return value


class Range(NamedTuple):
    """Between which numbers a value lies, and whether it may be null."""

    low: int = -_FAR
    high: int = _FAR
    nonzero: bool = False

    def narrowed(self, operator: str, number: int) -> Range | None:
        """What is left when a comparison with a number holds; None when it cannot."""
        low, high, nonzero = self
        match operator:
            case "==":
                low, high = max(low, number), min(high, number)
            case "!=":
                nonzero = nonzero or number == 0
                low, high = low + (low == number), high - (high == number)
            case "<":
                high = min(high, number - 1)
            case "<=":
                high = min(high, number)
            case ">":
                low = max(low, number + 1)
            case ">=":
                low = max(low, number)
        if nonzero:
            low, high = low + (low == 0), high - (high == 0)
        return Range(low, high, nonzero) if low <= high else None

    def joined(self, other: Range) -> Range:
        """The hull of both."""
        return Range(min(self.low, other.low), max(self.high, other.high), self.nonzero and other.nonzero)


ANY: Final = Range()


class End(NamedTuple):
    """Where a value was given back, and by what."""

    line: int
    by: str
    api: object = None


class LifetimeState:
    """What is known on one path."""

    __slots__ = ("ended", "handed", "places", "ranges", "result", "stored", "versions")

    def __init__(self) -> None:
        self.places: dict[Place, Value] = {}
        self.ended: dict[Value, End] = {}
        self.ranges: dict[Value, Range] = {}
        self.handed: frozenset[Value] = frozenset()
        self.versions: dict[object, int] = {}
        self.stored: dict[Place, int] = {}
        self.result: Value | None = None

    def copy(self) -> LifetimeState:
        """Another state that says the same."""
        other = LifetimeState.__new__(LifetimeState)
        other.places = self.places.copy()
        other.ended = self.ended.copy()
        other.ranges = self.ranges.copy()
        other.handed = self.handed
        other.versions = self.versions.copy()
        other.stored = self.stored.copy()
        other.result = self.result
        return other

    def key(self) -> object:
        """Equal for states that say the same."""
        return (
            frozenset(self.places.items()),
            frozenset(self.ended.items()),
            frozenset(self.ranges.items()),
            self.handed,
            self.result,
        )

    def join(self, other: LifetimeState) -> LifetimeState:
        """What holds on both paths."""
        found = LifetimeState()
        found.versions = {**self.versions, **other.versions}
        for value, version in () if self.versions == other.versions else self.versions.items():
            found.versions[value] = max(version, found.versions[value])
        anew: set[Place] = set()
        for place in self.places.keys() | other.places.keys():
            one, two = self.places.get(place), other.places.get(place)
            if one is not None and one == two:
                found.places[place] = one
            elif isinstance(place, VariableOf):
                found.places[place] = Computed(("either", place))
                anew.add(place)
            else:
                found.versions[place] = found.versions.get(place, 0) + 1
        found.ended = {v: e for v, e in self.ended.items() if v in other.ended or other.is_null(v)}
        found.ended.update((v, e) for v, e in other.ended.items() if v not in self.ended and self.is_null(v))
        theirs = other.ranges
        found.ranges = {v: r if r == theirs[v] else r.joined(theirs[v]) for v, r in self.ranges.items() if v in theirs}
        lost = {v for s in (self, other) for v in s.places.values() if isinstance(v, Made)} - {*found.places.values()}
        found.handed = self.handed | other.handed | lost
        found.stored = {**other.stored, **self.stored}
        found.result = self.result if self.result == other.result else None
        found.renew({found.places[p] for p in anew}, anew)
        return found

    def renew(self, values: set[Value], places: set[Place]) -> None:
        """Values that stand for something else from here on: what was known of them, and of what they lead to, goes."""
        if not values:
            return
        for table in (self.ended, self.ranges):
            for value in [v for v in table if leads_from(v, values)]:
                del table[value]
        for place, held in [*self.places.items()]:
            if isinstance(place, PartOf) and leads_from(place, values):
                del self.places[place]
            elif place not in places and leads_from(held, values):
                self.places[place] = Computed(("older", place))

    def range_of(self, value: Value) -> Range:
        """What is known of a value as a number."""
        if isinstance(value, KnownNumber):
            return Range(value.value, value.value, value.value != 0)
        if isinstance(value, AddressOf | Text):
            return Range(nonzero=True)
        return self.ranges.get(value, ANY)

    def is_null(self, value: Value) -> bool:
        """Whether there is nothing to give back."""
        known = self.range_of(value)
        return known.low == known.high == 0

    def narrow(self, value: Value, operator: str, number: int) -> bool:
        """Learn that a comparison holds; whether it can."""
        left = self.range_of(value).narrowed(operator, number)
        if left is None:
            return False
        if not isinstance(value, KnownNumber | AddressOf | Text):
            self.ranges[value] = left
        return True
