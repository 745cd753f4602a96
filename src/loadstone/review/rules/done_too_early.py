"""Work that is done once, by whoever comes first, where a second caller does not wait for it.

``if (!ready) { ready = 1; load(); }`` sends the second caller on while the first is still loading, and an atomic
exchange does so just as well; ``if (!ready) { load(); ready = 1; }`` lets both load. It is asked only where several
threads are shown: the function is run by threads of the file, or the comments say that they call it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.identities import NamesInSight, names_in_sight
from loadstone.review.rules.lookups import plays, word
from loadstone.review.rules.shown_threads import MANY, called_in_threads, runners
from loadstone.review.walk import expressions, parts_of

__all__ = ["Begun", "done_too_early"]

_EXCHANGES: Final = re.compile(
    r"(?:\A|_|\.|::)(?:InterlockedExchange(?:8|16|64|Acquire|Release)?|InterlockedCompareExchange\w*|InterlockedBitTestAndSet"
    r"|atomic_flag_test_and_set\w*|test_and_set|atomic_exchange\w*|exchange|atomic_compare_exchange\w*"
    r"|compare_exchange_(?:strong|weak)|__sync_lock_test_and_set|__sync_(?:bool|val)_compare_and_swap"
    r"|g_atomic_int_compare_and_exchange|__atomic_(?:test_and_set|exchange_n)|testAndSet\w+|fetchAndStore\w+)\Z"
)
"""Calls that set a flag and tell who was first. Source: C11, C++11, GCC, Windows, GLib and Qt manuals."""
_WAITS: Final = re.compile(r"(?i)wait|join|yield|sleep|pause|once|lock|enter|barrier|acquire")
_SAFE_TYPES: Final = ("atomic", "Atomic", "thread_local", "_Thread_local", "__thread", "once")


@dataclass(frozen=True, slots=True)
class Begun:
    """A flag, the lines where it is asked and set, the line of the work, whether the flag is set before the work."""

    function: ir.Function
    flag: str
    asked: int
    set: int
    work: int

    @property
    def early(self) -> bool:
        """Whether the flag says that the work is done before it is."""
        return self.set < self.work


def done_too_early(facts: Facts, unit: ir.Unit) -> Iterator[Begun]:
    """The functions of a file in which a second caller does not wait for the first one's work."""
    running = runners(facts, unit)
    told = called_in_threads(unit)
    if not running and not told and "nterlocked" not in unit.text and "atomic" not in unit.text:
        return
    loading = _reaching_loads(facts, unit)
    guarded = {a.spot.function for a in facts.accesses if a.spot.path == unit.path and a.is_inner and a.locks}
    for function in unit.functions:
        if function.name in guarded or any(_waits(last_word(c.name)) for c in calls_in(function.body)):
            continue
        scope = names_in_sight(facts.program, unit, function)
        yield from _exchanged(function, scope, facts, loading)
        if told or sum(running.get(last_word(function.name), {}).values()) >= MANY:
            yield from _flagged(function, scope, facts, loading)


def _waits(call: str) -> bool:
    return bool(_WAITS.search(call)) and not _EXCHANGES.search(call)


def _reaching_loads(facts: Facts, unit: ir.Unit) -> frozenset[str]:
    """The functions of a file that load or look up, themselves or in what they call."""
    calls = {last_word(f.name): {last_word(c.name) for c in calls_in(f.body)} for f in unit.functions}
    found = {last_word(f.name) for f in unit.functions if any(_loads(facts, c) for c in calls_in(f.body))}
    while more := {name for name, called in calls.items() if called & found} - found:
        found |= more
    return frozenset(found)


def _loads(facts: Facts, call: ir.Call) -> bool:
    return plays(facts, call, ApiRole.LOAD, ApiRole.RESOLVE)


def _work(facts: Facts, loading: frozenset[str], block: ir.Block) -> ir.Call | None:
    return next((c for c in calls_in(block) if _loads(facts, c) or last_word(c.name) in loading), None)


def _flagged(function: ir.Function, scope: NamesInSight, facts: Facts, loading: frozenset[str]) -> Iterator[Begun]:
    """A flag of the file that is asked, then set where the work is done."""
    for position, statement in enumerate(function.body.body):
        if not isinstance(statement, ir.If):
            continue
        flag, when = _asked(statement.condition)
        thing = scope.thing(flag)
        kind = scope.type_of(flag)
        if thing is None or thing.owner != scope.unit.path or not kind or any(s in kind for s in _SAFE_TYPES):
            continue
        block = statement.then
        if when:  # if (ready) return; ready = 1; ...
            if not (block.body and isinstance(block.body[-1], ir.Return)) or statement.otherwise is not None:
                continue
            rest = function.body.body[position + 1 :]
            block = ir.Block(statement.line, function.end_line, rest)
        sets = [
            s
            for s in every_statement(block)
            if isinstance(s, ir.Assign) and scope.thing(s.target) == thing and isinstance(uncast(s.value), ir.Literal)
        ]
        work = _work(facts, loading, block)
        if sets and work is not None and _is_on(sets[0]):
            yield Begun(function, thing.name, statement.line, sets[0].line, work.line)
            return


def _is_on(statement: ir.Assign) -> bool:
    value = uncast(statement.value)
    return isinstance(value, ir.Literal) and value.value not in {None, 0}


def _asked(condition: ir.Expression) -> tuple[ir.Expression | None, bool]:
    """The variable that a condition is about, and whether it holds when that is set."""
    match uncast(condition):
        case ir.Operation(operator="!", operands=(operand,)):
            inner, when = _asked(operand)
            return inner, not when
        case ir.Operation(operator="==" | "!=" as how, operands=(one, other)) if _is_nothing(other):
            inner, when = _asked(one)
            return inner, when == (how == "!=")
        case ir.Name() as name:
            return name, True
    return None, False


def _is_nothing(value: ir.Expression) -> bool:
    bare = uncast(value)
    return isinstance(bare, ir.Literal) and bare.value in {None, 0}


def _exchanged(function: ir.Function, scope: NamesInSight, facts: Facts, loading: frozenset[str]) -> Iterator[Begun]:
    """``if (!exchange(&begun, 1)) load(); return use();``: who was not first uses what is not there yet."""
    if any(isinstance(s, ir.Loop) for s in every_statement(function.body)):
        return  # it may wait in it
    for position, statement in enumerate(function.body.body):
        first = isinstance(statement, ir.If) and next(
            (c for c in expressions(statement.condition) if isinstance(c, ir.Call) and _EXCHANGES.search(c.name)), None
        )
        if not first or not isinstance(statement, ir.If) or statement.otherwise is not None:
            continue
        work = _work(facts, loading, statement.then)
        filled = {
            thing
            for s in every_statement(statement.then)
            if isinstance(s, ir.Assign) and (thing := scope.thing(s.target)) is not None and not scope.is_local(thing)
        }
        after = (part for s in function.body.body[position + 1 :] for part in _all_parts(s))
        if work is not None and any(
            isinstance(part, ir.Name | ir.Member) and scope.thing(part) in filled for part in after
        ):
            flag = next((n for a in first.arguments for e in expressions(a) if (n := word(e))), word(first.receiver))
            yield Begun(function, flag, statement.line, statement.line, max(work.line, statement.line + 1))
            return


def _all_parts(statement: ir.Statement) -> Iterator[ir.Expression]:
    yield from parts_of(statement)
    yield from every_expression(ir.Block(statement.line, statement.line, (statement,)))
