"""What is known at a point of a function of the numbers, blocks and texts it goes by: :class:`Known`.

Numbers are :class:`Amount` over symbols. A block is the bytes a pointer leads to, and where in them it points. Members
and variables that other code can reach lose what is known of them when other code runs: they get a new era.
"""

from __future__ import annotations

from dataclasses import field
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review.rules.amounts import ZERO, Amount, Parts, UnknownNumber, of_symbol

__all__ = ["Counter", "Known", "Storage", "joined"]

_ENDS: Final = 32
"""Comparisons that are remembered."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes: how many, what they are called, and how far in a pointer points."""

    room: Amount
    name: str
    at: Amount = ZERO
    made: int = 0
    """The line of the call that gave it; 0 where it is no such block."""
    alone: bool = False
    """It is one object, not an array of them: ``new int(5)``."""


class Counter:
    """Numbers for what gets a new name."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """One that was not given before."""
        self._last += 1
        return self._last


@dataclass(slots=True)
class Known:
    """One path's knowledge; ``None`` among the values says that nothing is known any more."""

    values: dict[str, Amount] = field(default_factory=dict)
    blocks: dict[str, Storage | None] = field(default_factory=dict)
    texts: dict[str, Amount] = field(default_factory=dict)
    ends: dict[Parts, int] = field(default_factory=dict)
    odd: dict[UnknownNumber, str] = field(default_factory=dict)
    """Numbers that may be -1, and why."""
    attained: dict[UnknownNumber, Amount] = field(default_factory=dict)
    """Numbers that are as large as this when nothing stops them: a read that fills its buffer, a loop's last round."""
    narrowed: dict[UnknownNumber, Amount] = field(default_factory=dict)
    """Numbers that were cut to a narrower type, and what they were before."""
    era: int = 0
    roots: dict[str, int] = field(default_factory=dict)
    """When a pointer or an object was last given another: its members are others since."""

    def copy(self) -> Known:
        """One that changes alone."""
        return Known(
            values={**self.values},
            blocks={**self.blocks},
            texts={**self.texts},
            ends={**self.ends},
            odd={**self.odd},
            attained={**self.attained},
            narrowed={**self.narrowed},
            era=self.era,
            roots={**self.roots},
        )

    def at_most(self, amount: Amount, end: int) -> None:
        """Learn that an amount is no larger than a number."""
        if not amount.parts:
            return
        end -= amount.constant
        before = self.ends.pop(amount.parts, None)
        self.ends[amount.parts] = end if before is None else min(before, end)
        if len(self.ends) > _ENDS:
            del self.ends[next(iter(self.ends))]

    def compared(self, amount: Amount | None) -> None:
        """Something was asked of an amount: it is looked at, whatever it is."""
        for symbol in amount.symbols if amount is not None else ():
            self.odd.pop(symbol, None)


def joined(states: list[Known], counter: Counter) -> Known:
    """What all of several paths know."""
    first, *others = states
    out = first.copy()
    for path in {p for s in states for p in s.values}:
        if any(o.values.get(path) != first.values.get(path) for o in others):
            out.values[path] = of_symbol(UnknownNumber(f"{path}#{counter.next()}"))
    for path in {p for s in states for p in s.blocks}:
        if any(o.blocks.get(path) != first.blocks.get(path) for o in others):
            out.blocks[path] = None
    out.texts = {p: t for p, t in first.texts.items() if all(o.texts.get(p) == t for o in others)}
    out.ends = {
        p: max(e, *(o.ends[p] for o in others)) for p, e in first.ends.items() if all(p in o.ends for o in others)
    }
    out.odd = {s: why for s, why in first.odd.items() if all(s in o.odd for o in others)}
    out.attained = {s: a for s, a in first.attained.items() if all(o.attained.get(s) == a for o in others)}
    out.narrowed = {s: a for s, a in first.narrowed.items() if all(o.narrowed.get(s) == a for o in others)}
    for root in {r for s in states for r in s.roots}:
        if any(o.roots.get(root) != first.roots.get(root) for o in others):
            out.roots[root] = counter.next()
    if any(o.era != first.era for o in others):
        out.era = counter.next()
    return out
