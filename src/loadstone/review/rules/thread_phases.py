"""What is set before the thread that reads it starts, and what is taken down when that has ended.

A function that hands another one over, to a thread, a hook or a timer, has what this one uses to itself until then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Access
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.walk import kept

__all__ = ["Phases", "phases_of"]

_ENDS: Final = re.compile(r"(?i)join|wait|unhook|kill_?timer|remove_?(?:hook|timer)|stop_?thread|thread_?stop")


@dataclass(frozen=True, slots=True)
class Phases:
    """For each function that runs only when handed over: who hands it over and where; where others wait."""

    handed: dict[str, tuple[str, int]]
    waits: dict[str, int]

    def is_ordered(self, access: Access, others: Iterable[Access]) -> bool:
        """Whether an access and every change among the others are before or after each other, threads or not."""
        own = last_word(access.spot.function)
        start = self.handed.get(own)
        if start is not None:
            return not access.is_write and all(self._outside(o, *start) for o in others if o.is_write)
        starts = {self.handed[name] for o in others if (name := last_word(o.spot.function)) in self.handed}
        apart = (o for o in others if last_word(o.spot.function) not in {own, *self.handed})
        mine = {line for function, line in starts if function == own}
        return len(mine) == len(starts) > 0 and access.spot.line < min(mine) and all(self._is_after(o) for o in apart)

    def _outside(self, change: Access, function: str, line: int) -> bool:
        before = last_word(change.spot.function) == function and change.spot.line < line
        return before or self._is_after(change)

    def _is_after(self, access: Access) -> bool:
        return 0 < self.waits.get(last_word(access.spot.function), 0) < access.spot.line


@kept
def phases_of(unit: ir.Unit) -> Phases:
    """The phases of one file."""
    named = {last_word(f.name): f for f in unit.functions}
    calls = {name: {last_word(c.name) for c in calls_in(f.body)} & named.keys() for name, f in named.items()}
    given: dict[str, list[tuple[str, int]]] = {}
    for name, function in named.items():
        for call in calls_in(function.body):
            for argument in call.arguments:
                bare = uncast(argument)
                if isinstance(bare, ir.Operation) and bare.operator == "address":
                    bare = uncast(bare.operands[0])
                if isinstance(bare, ir.Name) and bare.name in named:
                    given.setdefault(bare.name, []).append((name, call.line))
    handed = {name: min(where) for name, where in given.items() if _is_one({starter for starter, _ in where})}
    callers: dict[str, set[str]] = {}
    for name, called in calls.items():
        for one in called - {name}:
            callers.setdefault(one, set()).add(name)
    handed = {name: where for name, where in handed.items() if not callers.get(name, set())}
    for _ in named:  # what only such functions call is like them; of two, the first that starts counts
        more = {
            name: min((handed[c] for c in by), key=lambda where: where[1])
            for name, by in callers.items()
            if name not in handed and name not in given and by <= handed.keys() and _is_one({handed[c][0] for c in by})
        }
        if not more:
            break
        handed |= more
    waits = {
        name: min((c.line for c in calls_in(f.body) if _ENDS.search(last_word(c.name))), default=0)
        for name, f in named.items()
    }
    return Phases(handed, waits)


def _is_one(starters: set[str]) -> bool:
    return len(starters) == 1
