"""What following the paths of a program finds, gathered in one place.

Each function has a record of its own, which does not depend on what was found in others; a program's is their sum, in
the order of the source. So functions may be followed in any order, and by several processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from loadstone.review.analyses.facts import Access, Cut, Fill, Found, Invocation, LockStep, Part, Site, Slot
from loadstone.review.analyses.state import Spot, Taint

__all__ = ["Record"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(slots=True)
class Record:
    """What the exploration of one function found, or those of several together."""

    sites: list[Site] = field(default_factory=list)
    index: dict[tuple[object, ...], int] = field(default_factory=dict)
    accesses: Found[Access] = field(default_factory=Found)
    lock_steps: Found[LockStep] = field(default_factory=Found)
    threads: set[Spot] = field(default_factory=set)
    locks: set[str] = field(default_factory=set)
    stored_taint: dict[Slot, Taint] = field(default_factory=dict)
    moved: dict[Slot, dict[Slot, bool]] = field(default_factory=dict)
    """To which slots what a slot holds is given, and whether as a part of what is there."""
    cut: set[Cut] = field(default_factory=set)
    tested_places: set[tuple[str, str]] = field(default_factory=set)
    closed_twice: dict[tuple[str, Spot], Spot] = field(default_factory=dict)
    deleted_twice: dict[tuple[str, Spot], Spot] = field(default_factory=dict)
    late: dict[tuple[str, Spot], Spot] = field(default_factory=dict)
    fills: Found[Fill] = field(default_factory=Found)
    called_slots: dict[Slot, dict[tuple[Spot, bool], None]] = field(default_factory=dict)
    closed_slots: dict[Slot, dict[Spot, None]] = field(default_factory=dict)
    made_through: dict[tuple[Slot, Slot], Spot] = field(default_factory=dict)
    after_close: dict[tuple[Slot, Slot, Spot], Spot] = field(default_factory=dict)
    cleared: Found[tuple[Slot, tuple[str, str]]] = field(default_factory=Found)

    def add(self, other: Record, *, accesses: bool = True) -> None:
        """Take in what the exploration of a further function found, its sites behind those there are."""
        before = len(self.sites)
        for site in other.sites:
            if site.parent is not None:
                site.parent += before
        self.sites += other.sites
        for fill in other.fills:
            self.fills.add(fill if fill.site is None else fill._replace(site=fill.site + before))
        if accesses:
            self.accesses.update(other.accesses)
        self.lock_steps.update(other.lock_steps)
        self.threads |= other.threads
        self.locks |= other.locks
        self.cut |= other.cut
        self.tested_places |= other.tested_places
        self.cleared.update(other.cleared)
        _take_first(self.stored_taint, other.stored_taint)
        for source, targets in other.moved.items():
            _take_first(self.moved.setdefault(source, {}), targets)
        _take_first(self.closed_twice, other.closed_twice)
        _take_first(self.deleted_twice, other.deleted_twice)
        _take_first(self.late, other.late)
        _take_first(self.after_close, other.after_close)
        _take_first(self.made_through, other.made_through)
        for slot, calls in other.called_slots.items():
            self.called_slots.setdefault(slot, {}).update(calls)
        for slot, closes in other.closed_slots.items():
            self.closed_slots.setdefault(slot, {}).update(closes)

    def settle(self) -> None:
        """Once everything is taken in: hand on who controls what is stored, and tell every call that reads it."""
        work = [*self.stored_taint]
        while work:
            source = work.pop(0)
            taint = self.stored_taint[source]
            for target, partial in self.moved.get(source, {}).items():
                if target not in self.stored_taint:
                    self.stored_taint[target] = taint._replace(partial=taint.partial or partial)
                    work.append(target)
        for site in self.sites:
            site.invocations = Found(dict.fromkeys(self._told(one) for one in site.invocations))

    def _told(self, one: Invocation) -> Invocation:
        """The invocation, with who controls what its pieces were read from: whoever was first to write there."""
        parts = [one.whole, *one.parts, *(part for pieces in one.pieces for part in pieces)]
        if not any(part.slots for part in parts):
            return one
        return one._replace(
            parts=self._told_of(one.parts),
            whole=self._told_of((one.whole,))[0],
            pieces=tuple(map(self._told_of, one.pieces)),
        )

    def _told_of(self, parts: Iterable[Part]) -> tuple[Part, ...]:
        return tuple(part._replace(taint=self._taint(part), slots=()) if part.slots else part for part in parts)

    def _taint(self, part: Part) -> Taint | None:
        if part.taint is not None:
            return part.taint
        return next((taint for slot in part.slots if (taint := self.stored_taint.get(slot)) is not None), None)


def _take_first(mine: dict[_Key, _Value], others: dict[_Key, _Value]) -> None:
    for key, value in others.items():
        mine.setdefault(key, value)
