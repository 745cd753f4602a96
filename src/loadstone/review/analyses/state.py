"""What is known on one path: the values places hold, and facts about values.

A state is a product of small maps and sets. Each is shared between the states that were copied from one another until
one of them writes (copy on write), so a fork costs a few words. The key that tells two states apart is kept up to date
with every write: the sum of the hashes of its entries, 64 bits for each map, so that no state is ever walked through
to be compared.

=========== ============================================== =========================================================
part        says                                            join of two paths
=========== ============================================== =========================================================
env         which value each place holds                    per place, see :func:`values.joined`
truth       which values are known to be null or not        where both agree, on its being closed too
closed      which libraries, memory, files were released    where both agree: a claim needs it on every path
escaped     which results others can reach now              union: what one path hands on is not leaked
locks       which locks are held                            where both agree
checks      what a string or a name was tested for          union: doubt is silence
taint       who controls a value                            union
parts       what a value was put together from              union, the first that was seen
looks       which file was looked at by name                union
lineage     which handle a symbol came from                 union
about       what an error text, an open file speak of      union
flags       what was done once for the whole path           union
=========== ============================================== =========================================================

Order: a state is below another when each of its parts is. Every chain is finite: places change twice, truth, closed
and locks only shrink, the others only grow towards what the function mentions. So following joined states ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from loadstone.review.analyses.values import (
    LEAVES,
    Answer,
    CallResult,
    CallStatus,
    Code,
    Constant,
    Field,
    Global,
    Initial,
    Local,
    Object,
    Place,
    PlaceAddress,
    Spot,
    This,
    Unknown,
    Value,
    inside,
    is_through_pointer,
    joined,
    mentions,
    root,
)

__all__ = ["CONFIGURATION", "Held", "Place", "Spot", "State", "Taint", "Value"]

_EITHER: Final = 8
"""Values that a joined one is known to be one of."""

_KEEP: Final = 400
"""Facts of one kind kept on one path; further ones are not learnt."""

_MAPS: Final = (
    "env", "truth", "closed", "checks", "taint", "parts", "looks", "lineage", "touched", "about", "escaped",
)  # fmt: skip
_UNITED: Final = ("taint", "parts", "looks", "lineage", "touched", "about", "escaped")
_HOLDING_NOTHING: Final = LEAVES | {type(None)}
_HOLDING_ITSELF: Final = frozenset({Local, Global, CallResult, CallStatus, Code, Object, This})
_LASTING: Final = frozenset({CallResult, Constant, Global, This})
"""What may be asked about again though nobody holds it."""

_ROOTED: Final = frozenset({Local, Field, Initial, PlaceAddress})
"""What may be asked about again where its start may be."""

_KEYED: Final = frozenset({"env", "truth", "closed", "checks", "escaped"})
_PLAIN: Final = ("born", "repeats", "flags", "locks", "pending", "result", "split")

CONFIGURATION: Final = "configuration file"
"""The kind of source that is a file only an administrator writes."""


class Taint(NamedTuple):
    """Who controls a value: ``kind`` of source, where it was read, whether it is only part, the variable's name."""

    kind: str
    spot: Spot
    partial: bool = False
    name: str = ""


class Held(NamedTuple):
    """A lock that is held: its name, where it was taken, and whether its release is automatic.

    ``shared``: others may hold it at the same time, as the readers of a readers-writer lock do. ``place``: where it
    is stored, which tells apart locks of one name in two objects.
    """

    lock: str
    spot: Spot
    scoped: bool
    shared: bool = False
    place: Place | None = None


class State:
    """Facts that hold on one path. Written while a node is run, copied at forks, compared by :meth:`key`."""

    __slots__ = (*_MAPS, *_PLAIN, "_numbers", "_owned", "_sums")

    def __init__(self) -> None:
        self.env: dict[Place, Value] = {}
        self.truth: dict[Value, bool] = {}
        self.closed: dict[Value, Spot] = {}
        self.checks: dict[Value, frozenset[tuple[str, Spot]]] = {}
        self.taint: dict[Value, Taint] = {}
        self.parts: dict[Value, tuple[Value, ...]] = {}
        self.looks: dict[Value, tuple[str, Spot]] = {}
        self.lineage: dict[Value, Value] = {}
        self.touched: dict[Value, Spot] = {}
        self.about: dict[Value, Value] = {}
        self.escaped: dict[Value, None] = {}  # a set, which is as cheap to copy and to key as the maps are
        self.flags: frozenset[tuple[str, Spot]] = frozenset()
        self.locks: tuple[Held, ...] = ()
        self.born: int = 0
        self.repeats = True
        self.result: Value = None
        self.pending: Value = None
        self.split: Value = None
        self._sums: dict[str, int] = dict.fromkeys(_KEYED, 0)
        self._owned = set(_MAPS)
        self._numbers: dict[Value, int] = {}  # of the values made on any path from this one: all of them share it

    def copy(self) -> State:
        """A state that may go its own way; both share what neither has written since."""
        other = State.__new__(State)
        # Each by its own name: this runs at every fork, and a loop over the names takes five times as long.
        other.env = self.env
        other.truth = self.truth
        other.closed = self.closed
        other.checks = self.checks
        other.taint = self.taint
        other.parts = self.parts
        other.looks = self.looks
        other.lineage = self.lineage
        other.touched = self.touched
        other.about = self.about
        other.escaped = self.escaped
        other.flags = self.flags
        other.locks = self.locks
        other.born = self.born
        other.repeats = self.repeats
        other.result = self.result
        other.pending = self.pending
        other.split = self.split
        other._sums = self._sums.copy()  # noqa: SLF001 - its own class
        other._owned = set()  # noqa: SLF001
        other._numbers = self._numbers  # noqa: SLF001
        self._owned.clear()
        return other

    def key(self) -> tuple[object, ...]:
        """What tells two states apart."""
        sums = self._sums
        return (
            sums["env"],
            sums["truth"],
            sums["closed"],
            sums["checks"],
            sums["escaped"],
            self.flags,
            self.result,
            tuple([h.lock for h in self.locks]) if self.locks else (),
        )

    # Writing.

    def _own(self, name: str) -> dict[Any, Any]:
        found: dict[Any, Any] = getattr(self, name)
        if name not in self._owned:
            found = found.copy()
            setattr(self, name, found)
            self._owned.add(name)
        return found

    def put(self, name: str, key: object, value: object) -> None:
        """Set one entry of one map, by the map's name."""
        found: dict[Any, Any] = getattr(self, name)
        if key in found:
            before = found[key]
            if before == value:
                return
            if name in _KEYED:
                self._sums[name] -= hash((key, before))
        if name not in self._owned:
            found = self._own(name)
        found[key] = value
        if name in _KEYED:
            self._sums[name] += hash((key, value))

    def drop(self, name: str, key: object) -> None:
        """Remove one entry of one map, if it is there."""
        found: dict[Any, Any] = getattr(self, name)
        if key not in found:
            return
        found = self._own(name)
        before = found.pop(key)
        if name in _KEYED:
            self._sums[name] -= hash((key, before))

    def replace(self, name: str, entries: dict[Any, Any]) -> None:
        """Put other entries in the place of a whole map."""
        setattr(self, name, entries)
        self._owned.add(name)
        if name in _KEYED:
            self._sums[name] = sum(hash(item) for item in entries.items())

    def assign(self, place: Place, value: Value) -> None:
        """A place holds a value from here on."""
        self.put("env", place, value)

    def suppose(self, value: Value, truth: bool) -> None:
        """A value is known to be null, or not to be."""
        self.put("truth", value, truth)

    def escape(self, value: Value) -> None:
        """Others can reach a value from here on."""
        if value is not None:
            self.put("escaped", value, None)

    def flag(self, word: str, spot: Spot) -> None:
        """Something was done that holds for the rest of the path."""
        self.flags |= {(word, spot)}

    def has_flag(self, kind: str) -> Spot | None:
        """Where something that holds for the whole path was done; None if it was not."""
        return next((spot for word, spot in sorted(self.flags) if word == kind), None)

    def add_check(self, value: Value, kind: str, spot: Spot) -> None:
        """Note that a value passed a check."""
        if value is not None and len(self.checks) < _KEEP:
            self.put("checks", value, self.checks.get(value, frozenset()) | {(kind, spot)})

    # Asking.

    def leaves(self, value: Value) -> Iterator[Value]:
        """The values a value was put together from, itself when it was not."""
        stack, seen = [value], set[Value]()
        while stack and len(seen) < _KEEP:
            current = stack.pop()
            if current in seen:
                continue
            seen.add(current)
            inner = self.parts.get(current)
            if inner is None and isinstance(current, Answer) and current.question != "check":
                inner = (current.about,)
            if inner:
                if isinstance(current, Unknown) and isinstance(current.source, tuple) and current.source[0] == "into":
                    inner = (*inner, current.source[1])  # known however often the pointer moved on
                stack.extend(reversed(inner))
            else:
                yield current

    def either(self, value: Value) -> tuple[Value, ...]:
        """What a value was on the paths that were joined into this one; the value itself when it was one thing."""
        if isinstance(value, Unknown) and isinstance(value.source, Local | Global | Field):
            return self.parts.get(value, (value,))
        return (value,)

    # Forgetting.

    def renew(self, value: Value) -> None:
        """``value`` is made anew (the next round of a loop): what was known of the one before is let go."""
        mark = 1 << self._numbers.setdefault(value, len(self._numbers))
        if not self.born & mark:
            self.born |= mark
            return
        if not self.repeats:
            return
        libraries = {v: above for v, above in self.lineage.items() if not mentions(above, value)}
        holders = [place for place, held in self.env.items() if held == value]
        # One variable is about to take the new value; a member, or the head of a list beside it, keeps the old one.
        is_kept = value in self.escaped or len(holders) > 1 or any(isinstance(place, Field) for place in holders)
        for name in ("truth", "closed", "checks", "taint", "parts", "looks", "lineage"):
            found: dict[Any, Any] = getattr(self, name)
            for key in [k for k in found if value in _inside(k)]:
                self.drop(name, key)
        for place, held in [*self.env.items()]:
            if value in inside(place):
                self.drop("env", place)
                if is_kept and isinstance(held, CallResult):
                    self.escape(held)
            elif value in _inside(held) and (held != value or isinstance(place, Local)):
                older = self.age(place)
                if (above := libraries.get(held)) is not None:
                    self.put("lineage", older, above)

    def age(self, place: Place) -> Value:
        """What a place holds was made in an earlier round of a loop: any of those, not the one that was closed."""
        older = Unknown(-1, place)
        self.drop("closed", older)
        self.assign(place, older)
        return older

    def forget_guesses(self, *, all_of_them: bool) -> None:
        """Drop what is known of values that no call gave: fewer states, a little less precision.

        What a variable holds is often asked again, ``if (found == NULL) add(); ... if (found == NULL) return;``: that
        is dropped last.
        """
        if any(not isinstance(v, CallResult | CallStatus) for v in self.truth):
            held = set() if all_of_them else {value for place, value in self.env.items() if type(place) is Local}
            known = {v: t for v, t in self.truth.items() if isinstance(v, CallResult | CallStatus) or v in held}
            if len(known) < len(self.truth):
                self.replace("truth", known)

    def forget_dead(self, frame: int, live: frozenset[str], *, at_end: bool = False) -> None:
        """Let go of what no later question can reach: dead variables, and facts about values nobody holds.

        What a parameter points at outlives the parameter: it is asked about when the function ends.
        """
        dead = [
            p
            for p, v in self.env.items()
            if type(r := p if type(p) is Local else root(p)) is Local
            and r.frame == frame
            and r.name not in live
            and (at_end or (isinstance(v, Unknown) and v not in self.lineage) or not is_through_pointer(p))
        ]
        if not dead and len(self.parts) < _KEEP and len(self.env) < _KEEP:
            return
        for place in dead:
            self.drop("env", place)
        unsure = {
            name: found
            for name in ("truth", "checks", "taint", "parts", "looks")
            if (
                found := [
                    v
                    for v in getattr(self, name)
                    if (kind := type(v)) not in _LASTING and (kind not in _ROOTED or not _outlives(v, frame, live))
                ]
            )
        }
        reached = self._reached() if unsure else set()
        for place in [*self.env][:-_KEEP]:
            self.drop("env", place)
        for name, values in unsure.items():
            for value in values:
                if value not in reached and (type(value) is Answer or root(value) not in reached):
                    self.drop(name, value)

    def _reached(self) -> set[object]:
        """Every value that a place holds, that others can reach, or that one of these was put together from."""
        held = {*self.env, *self.env.values(), *self.escaped, self.result}
        reached: set[object] = {v for v in held if type(v) not in _HOLDING_NOTHING}
        reached.update(*[inside(v) for v in reached if type(v) not in _HOLDING_ITSELF])
        pieces = [part for value, parts in self.parts.items() if value in reached for part in parts]
        while pieces:
            part = pieces.pop()
            if part not in reached:
                pieces.extend(self.parts.get(part, ()))
                reached |= _inside(part)
        return reached

    def agrees(self, other: State) -> bool:
        """Whether a join with ``other`` loses nothing that rules ask: what is closed, locked, which calls failed."""
        return (
            self.closed.keys() == other.closed.keys()
            and {held.lock for held in self.locks} == {held.lock for held in other.locks}
            and self._results() == other._results()
        )

    def _results(self) -> set[tuple[Value, bool]]:
        return {(v, t) for v, t in self.truth.items() if isinstance(v, CallResult | CallStatus)}

    def join(self, other: State, frame: int) -> State:
        """The least state above both, where paths of one function meet; see the table of this module."""
        made = self.copy()
        either: dict[Value, tuple[Value, ...]] = {}
        for place in _different(self.env, other.env):
            one = self.env.get(place, Initial(place))
            two = other.env.get(place, Initial(place))
            met = joined(one, two, frame, place)
            made.assign(place, met)
            if one != two:
                either[met] = tuple(dict.fromkeys((*self.either(one), *other.either(two))))
        if self.truth is not other.truth or self.closed is not other.closed:
            theirs, closed, shut = other.truth, self.closed, other.closed
            for value in [v for v, t in self.truth.items() if theirs.get(v) is not t or (v in closed) != (v in shut)]:
                made.drop("truth", value)
            for value in [v for v in closed if v not in shut]:
                made.drop("closed", value)
        for name in _UNITED:
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is not theirs:
                for key in [k for k in theirs if k not in mine]:
                    made.put(name, key, theirs[key])
        for met, values in either.items():
            made.put("parts", met, values[:_EITHER])
        for value, found in () if self.checks is other.checks else other.checks.items():
            made.put("checks", value, self.checks.get(value, frozenset()) | found)
        made.flags = self.flags | other.flags
        made.born = self.born | other.born
        made.locks = tuple(h for h in self.locks if h.lock in {o.lock for o in other.locks})
        made.result = self.result if self.result == other.result else None
        return made


def _outlives(value: Value, frame: int, live: frozenset[str]) -> bool:
    """Whether what a value starts from may be asked about again though nobody holds it."""
    start = root(value)
    if type(start) is Local:
        return start.frame != frame or start.name in live
    return type(start) is Global or type(start) is This


def _different(mine: dict[Place, Value], theirs: dict[Place, Value]) -> list[Place]:
    """The places that do not hold the same in both, in the order of the first."""
    if mine is theirs:
        return []
    missing = object()
    return [p for p, v in mine.items() if theirs.get(p, missing) != v] + [p for p in theirs if p not in mine]


def _inside(thing: Place | Value) -> frozenset[object]:
    """Every value inside a place or a value that may hold one."""
    return frozenset() if type(thing) in _HOLDING_NOTHING else inside(thing)
