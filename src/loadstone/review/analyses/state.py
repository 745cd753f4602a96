"""What is known on one path through a function: values, and facts about values.

A *value* is told apart by where it came from, so aliases cost nothing: two variables that hold one handle hold one
value. A *place in memory* is a local, a global, or a member of an object. Both are plain tuples, tagged by their first
element, so that they can be keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

__all__ = ["Held", "Memory", "Spot", "State", "Taint", "Value", "constant", "initial", "opaque", "pointer", "status"]

Value: TypeAlias = tuple[Any, ...] | None
Memory: TypeAlias = tuple[Any, ...]

_KEEP: Final = 400
"""Facts of one kind kept on one path; older ones are forgotten first."""


class Spot(NamedTuple):
    """A line of one file, inside one function, under one build condition. A tuple, for it is hashed without end."""

    path: str
    line: int
    function: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Taint:
    """Who controls a value: ``kind`` of source, where it was read, whether it is only part of the value."""

    kind: str
    spot: Spot
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that is held: its name, where it was taken, and whether its release is automatic."""

    lock: str
    spot: Spot
    scoped: bool


def constant(value: object) -> Value:
    """A value known from the text."""
    return ("c", value)


def initial(place: Memory) -> Value:
    """What a place held before the function ran."""
    return ("i", place)


def pointer(site: int) -> Value:
    """What a call gave: a handle, a symbol, a string."""
    return ("s", site)


def status(site: int) -> Value:
    """Whether a call succeeded, as it reports it."""
    return ("t", site)


def opaque(*parts: object) -> Value:
    """Some value nothing is known of, told apart by where it arose."""
    return ("r", *parts)


class State:
    """Facts that hold on one path. Mutable while a node is run, copied at forks, compared by :meth:`key`."""

    __slots__ = (
        "checks",
        "closed",
        "env",
        "escaped",
        "flags",
        "locks",
        "looks",
        "parts",
        "result",
        "taint",
        "touched",
        "truth",
    )

    def __init__(self) -> None:
        self.env: dict[Memory, Value] = {}
        self.truth: dict[Value, bool] = {}
        self.closed: dict[Value, Spot] = {}
        self.escaped: frozenset[int] = frozenset()
        self.locks: tuple[Held, ...] = ()
        self.checks: dict[Value, frozenset[tuple[str, Spot]]] = {}
        self.taint: dict[Value, Taint] = {}
        self.parts: dict[Value, tuple[Value, ...]] = {}
        self.looks: dict[Value, tuple[str, Spot]] = {}
        self.flags: frozenset[tuple[str, Spot]] = frozenset()
        self.result: Value = None
        self.touched: dict[Value, Spot] = {}

    def copy(self) -> State:
        """A state that may go its own way."""
        other = State.__new__(State)
        other.env = self.env.copy()
        other.truth = self.truth.copy()
        other.closed = self.closed.copy()
        other.escaped = self.escaped
        other.locks = self.locks
        other.checks = self.checks.copy()
        other.taint = self.taint.copy()
        other.parts = self.parts.copy()
        other.looks = self.looks.copy()
        other.flags = self.flags
        other.result = self.result
        other.touched = self.touched.copy()
        return other

    def key(self) -> tuple[object, ...]:
        """What tells two states apart."""
        return (
            frozenset(self.env.items()),
            frozenset(self.truth.items()),
            frozenset(self.closed),
            self.escaped,
            tuple(h.lock for h in self.locks),
            frozenset(self.checks.items()),
            self.result,
            self.flags,
        )

    def forget_guesses(self) -> None:
        """Drop what is known of values that no call gave: fewer states, a little less precision."""
        self.truth = {v: t for v, t in self.truth.items() if v is not None and v[0] in {"s", "t"}}

    def add_check(self, value: Value, kind: str, spot: Spot) -> None:
        """Note that a value passed a check."""
        if value is not None and len(self.checks) < _KEEP:
            self.checks[value] = self.checks.get(value, frozenset()) | {(kind, spot)}

    def has_flag(self, kind: str) -> Spot | None:
        """Where something that holds for the whole path was done; None if it was not."""
        return next((spot for word, spot in sorted(self.flags) if word == kind), None)

    def leaves(self, value: Value) -> Iterator[Value]:
        """The values a value was put together from, itself when it was not."""
        stack, seen = [value], set[Value]()
        while stack and len(seen) < _KEEP:
            current = stack.pop()
            if current in seen:
                continue
            seen.add(current)
            inner = self.parts.get(current)
            if inner:
                stack.extend(reversed(inner))
            else:
                yield current
