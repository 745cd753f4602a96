"""Variables of a file that two threads of the file touch at the same time, at least one of them to change it.

Nothing is taken for a habit here: both threads are shown, as two functions that threads begin with or one that several
do. What one thread only says to another, a constant in a flag, is left out, and so is what is ordered by waiting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Access, Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.lookups import word
from loadstone.review.rules.shown_threads import MANY, runners

__all__ = ["Clash", "clashes"]

_SAFE_TYPES: Final = ("atomic", "Atomic", "thread_local", "_Thread_local", "__thread", "once", "mutex", "const ")
_ORDERS: Final = re.compile(r"(?i)wait|join|barrier|sem_|semaphore|once|cond_|future|\.get\Z|interlocked|atomic|__sync")


@dataclass(frozen=True, slots=True)
class Clash:
    """A variable, where it is changed and touched with nothing held, and the functions the two threads begin with."""

    variable: str
    changed: Access
    touched: Access
    threads: tuple[str, str]


def clashes(facts: Facts, unit: ir.Unit) -> Iterator[Clash]:
    """The variables of a file that its threads change under each other's hands, each once."""
    running = runners(facts, unit)
    if not running:
        return
    shared = {v.name for v in unit.variables if not any(s in v.type for s in _SAFE_TYPES) and "[" not in v.type}
    ordering = {last_word(f.name) for f in unit.functions if any(_ORDERS.search(c.name) for c in calls_in(f.body))}
    found: dict[str, list[Access]] = {}
    for access in facts.accesses:
        own = last_word(access.spot.function)
        if access.spot.path != unit.path or access.variable not in shared or own not in running:
            continue
        if not access.locks and own not in ordering and not running[own].keys() & ordering:
            found.setdefault(access.variable, []).append(access)
    locked = {(a.variable, a.spot) for a in facts.accesses if a.locks}
    for variable, accesses in sorted(found.items()):
        bare = sorted((a for a in accesses if (a.variable, a.spot) not in locked), key=lambda a: (a.spot, a.is_write))
        clash = next(_clashes(unit, variable, bare, running), None)
        if clash is not None:
            yield clash


def _clashes(
    unit: ir.Unit, variable: str, bare: list[Access], running: Mapping[str, Mapping[str, int]]
) -> Iterator[Clash]:
    for changed in (a for a in bare if a.is_write and _is_more_than_a_word(unit, a)):
        for touched in bare:
            one, other = running[last_word(changed.spot.function)], running[last_word(touched.spot.function)]
            pair = next(((r, s) for r in sorted(one) for s in sorted(other) if r != s or one[r] >= MANY), None)
            if pair is not None and (touched is not changed or pair[0] == pair[1]):
                yield Clash(variable, changed, touched, pair)


def _is_more_than_a_word(unit: ir.Unit, access: Access) -> bool:
    """Whether a write does not only say something with a constant: it counts, or stores what was made."""
    for function in (f for f in unit.functions if f.name == access.spot.function):
        changes = [*every_statement(function.body), *every_expression(function.body)]
        for change in (c for c in changes if isinstance(c, ir.Assign | ir.AssignmentExpression)):
            if change.line == access.spot.line and word(change.target) == access.variable:
                return bool(change.operator) or not _is_constant(change.value)
    return False


def _is_constant(value: ir.Expression | None) -> bool:
    bare = uncast(value)
    return isinstance(bare, ir.Literal) or (isinstance(bare, ir.Name) and bare.name.isupper())
