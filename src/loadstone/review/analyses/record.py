"""What following the paths of a program finds, gathered in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadstone.review.analyses.facts import Access, Cut, Fill, Found, LockStep, Site, Slot
from loadstone.review.analyses.state import Spot, Taint

__all__ = ["Record"]


@dataclass(slots=True)
class Record:
    """What all explorations together found."""

    sites: list[Site] = field(default_factory=list)
    index: dict[tuple[object, ...], int] = field(default_factory=dict)
    accesses: Found[Access] = field(default_factory=Found)
    lock_steps: Found[LockStep] = field(default_factory=Found)
    threads: set[Spot] = field(default_factory=set)
    locks: set[str] = field(default_factory=set)
    stored_taint: dict[Slot, Taint] = field(default_factory=dict)
    cut: set[Cut] = field(default_factory=set)
    tested_places: set[tuple[str, str]] = field(default_factory=set)
    closed_twice: dict[tuple[str, Spot], Spot] = field(default_factory=dict)
    late: dict[tuple[str, Spot], Spot] = field(default_factory=dict)
    fills: Found[Fill] = field(default_factory=Found)
    called_slots: dict[Slot, dict[tuple[Spot, bool], None]] = field(default_factory=dict)
    closed_slots: dict[Slot, dict[Spot, None]] = field(default_factory=dict)
    after_close: dict[tuple[Slot, Slot, Spot], Spot] = field(default_factory=dict)
    cleared: Found[tuple[Slot, tuple[str, str]]] = field(default_factory=Found)
