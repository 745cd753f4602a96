"""Steps that are atomic each and decide together: another thread comes between them.

A count that is lowered by one call and asked by the next: two threads that leave at once both see zero, or the second
asks what the first has freed. A handle that is asked with one load and set with a store: both load.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays
from loadstone.review.walk import blocks, expressions

__all__ = ["SplitStep", "split_counts", "split_loads"]

_LOWERS: Final = frozenset(
    {
        *("atomic_fetch_sub", "atomic_fetch_sub_explicit", "fetch_sub", "InterlockedDecrement", "InterlockedAdd"),
        *("InterlockedExchangeAdd", "InterlockedDecrement64", "_InterlockedDecrement", "__sync_fetch_and_sub"),
        *("__sync_sub_and_fetch", "__atomic_fetch_sub", "__atomic_sub_fetch", "g_atomic_int_dec_and_test"),
        *("fetchAndSubOrdered", "fetchAndAddOrdered", "deref", "SDL_AtomicDecRef", "atomic_dec_32"),
    }
)
"""Functions that lower a number in one step and give what it was or is. Source: their manuals."""
_STORES: Final = frozenset({"store", "atomic_store", "atomic_store_explicit", "storeRelease", "storeRelaxed"})
_CHECKED: Final = ("compare_exchange", "CompareExchange", "testAndSet", "exchange", "call_once", "once")
_ENDS: Final = frozenset({"free", "delete", "g_free", "HeapFree"})


@dataclass(frozen=True, slots=True)
class SplitStep:
    """What is done in two steps: to what, in which function, where the first is and where the second."""

    variable: str
    function: ir.Function
    first: int
    second: int


def split_counts(facts: Facts, unit: ir.Unit) -> Iterator[SplitStep]:
    """Counts that are lowered and then asked anew, to close or free something when they are zero."""
    for function in unit.functions:
        for block in _blocks(function.body):
            for lowered, asked in pairwise(block):
                place = _lowered(unit, lowered)
                if not place or not isinstance(asked, ir.If):
                    continue
                again = any(_place(e) == place for e in expressions(asked.condition))
                steps_again = any(
                    isinstance(e, ir.Call) and last_word(e.name) in _LOWERS for e in expressions(asked.condition)
                )
                if (
                    again
                    and not steps_again
                    and _ends(facts, unit, asked.then)
                    and not _is_locked(facts, unit, asked.line)
                ):
                    yield SplitStep(place.rpartition(".")[2], function, lowered.line, asked.line)


def split_loads(facts: Facts, unit: ir.Unit) -> Iterator[SplitStep]:
    """Atomic variables that are asked, and set to what a load gives where they hold nothing yet."""
    for function in unit.functions:
        if any(any(word in c.name for word in _CHECKED) for c in calls_in(function.body)):
            continue
        for asked in (s for s in every_statement(function.body) if isinstance(s, ir.If)):
            places = {p for e in expressions(asked.condition) if (p := _atomic(unit, e))}
            for call in calls_in(asked.then) if places else ():
                if last_word(call.name) not in _STORES:
                    continue
                place = _place(call.receiver if call.receiver is not None else _first(call))
                made = any(
                    isinstance(e, ir.Call) and plays(facts, e, ApiRole.LOAD)
                    for e in expressions(ir.Display(call.line, call.arguments))
                )
                if place in places and made and not _is_locked(facts, unit, call.line):
                    yield SplitStep(place.rpartition(".")[2], function, asked.line, call.line)


def _blocks(block: ir.Block) -> Iterator[Sequence[ir.Statement]]:
    yield block.body
    for statement in every_statement(block):
        for inner in blocks(statement):
            yield inner.body


def _lowered(unit: ir.Unit, statement: ir.Statement) -> str:
    """The place that a statement lowers in one atomic step; empty for any other statement."""
    done = statement.expression if isinstance(statement, ir.Evaluate) else statement
    if isinstance(done, ir.Operation) and done.operator in {"post", "pre"} and done.operands:
        done = done.operands[0]
    if isinstance(done, ir.Call) and last_word(done.name) in _LOWERS:
        return _place(done.receiver if done.receiver is not None else _first(done))
    if isinstance(done, ir.Assign | ir.AssignmentExpression) and done.operator == "-":
        return _atomic(unit, done.target)
    return ""


def _first(call: ir.Call) -> ir.Expression | None:
    return call.arguments[0] if call.arguments else None


def _place(expression: ir.Expression | None) -> str:
    """What is written for a variable or a member, without the steps on the way: ``m.refs`` for ``&m->refs``."""
    bare = uncast(expression)
    while isinstance(bare, ir.Operation) and bare.operator in {"address", "deref"} and bare.operands:
        bare = uncast(bare.operands[0])
    if isinstance(bare, ir.Member):
        base = _place(bare.base)
        return f"{base}.{bare.name}" if base else ""
    return bare.name if isinstance(bare, ir.Name) else ""


def _atomic(unit: ir.Unit, expression: ir.Expression) -> str:
    """The place of an expression whose type is declared atomic in its file."""
    place = _place(expression)
    name = place.rpartition(".")[2]
    kinds = (
        *(v.type for v in unit.variables if v.name == name),
        *(m.type for c in unit.classes for m in c.members if m.name == name),
    )
    return place if kinds and all("tomic" in kind for kind in kinds) else ""


def _ends(facts: Facts, unit: ir.Unit, block: ir.Block) -> bool:
    """Whether something is closed or freed in a block, or in a function of the file that it calls."""
    called = {last_word(c.name) for c in calls_in(block)}
    inner = [c for f in unit.functions if last_word(f.name) in called for c in calls_in(f.body)]
    calls = (*calls_in(block), *inner)
    return any(plays(facts, c, ApiRole.UNLOAD) or last_word(c.name) in _ENDS for c in calls) or any(
        isinstance(e, ir.Operation) and e.operator.startswith("delete") for e in every_expression(block)
    )


def _is_locked(facts: Facts, unit: ir.Unit, line: int) -> bool:
    return any(a.locks for a in facts.accesses if a.spot.path == unit.path and a.spot.line == line)
