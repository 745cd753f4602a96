"""Locks of the program's own that their holder may take again: they count how often, or remember who holds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays, word
from loadstone.review.rules.places import NATIVE
from loadstone.review.walk import expressions

__all__ = ["retaken_by"]

_WHO: Final = frozenset(
    {
        *("pthread_self", "pthread_equal", "gettid", "thrd_current", "thrd_equal", "GetCurrentThreadId", "get_id"),
        *("currentThreadId", "currentThread", "g_thread_self", "SDL_ThreadID", "SDL_GetCurrentThreadID"),
    }
)
"""Functions that tell the calling thread."""


def retaken_by(facts: Facts) -> set[tuple[str, str]]:
    """The functions of C and C++ that take such a lock: their file and their name."""
    functions = [(u.path, f) for u in facts.program.units if u.language in NATIVE for f in u.functions]
    counters = {(f.owner, name) for _, f in functions for name in _asked_before_release(facts, f)}
    return {
        (path, f.name)
        for path, f in functions
        if _plays(facts, f.body, ApiRole.LOCK)
        and (_asks_who(f) or any((f.owner, name) in counters for name in _counted(f, "+")))
    }


def _plays(facts: Facts, block: ir.Block, role: ApiRole) -> bool:
    return any(plays(facts, call, role) for call in calls_in(block))


def _asked_before_release(facts: Facts, function: ir.Function) -> Iterator[str]:
    """``if (!--depth) unlock();``: the counters, lowered here, that decide whether a lock is released."""
    lowered = {*_counted(function, "-")}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If) and _plays(facts, statement.then, ApiRole.UNLOCK):
            yield from (name for part in expressions(statement.condition) if (name := word(part)) in lowered)


def _counted(function: ir.Function, operator: str) -> Iterator[str]:
    """The variables and members that a function adds to (``+``) or takes from (``-``)."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.operator == operator:
            yield word(statement.target)
    for part in every_expression(function.body):
        if isinstance(part, ir.AssignmentExpression) and part.operator == operator:
            yield word(part.target)


def _asks_who(function: ir.Function) -> bool:
    """Whether a function decides by which thread calls it."""
    conditions = (s.condition for s in every_statement(function.body) if isinstance(s, ir.If))
    return any(isinstance(e, ir.Call) and last_word(e.name) in _WHO for c in conditions for e in expressions(c))
