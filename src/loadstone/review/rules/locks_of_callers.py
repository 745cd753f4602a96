"""Helpers that take no lock because those who call them have: deeper than the walk of a path goes into callees."""

from __future__ import annotations

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression
from loadstone.review.analyses.words import last_word
from loadstone.review.walk import expressions

__all__ = ["reached_with_lock"]


def reached_with_lock(facts: Facts, unit: ir.Unit, function: str, lock: str) -> bool:
    """Whether each way to a function of one C file leads through a function of that file that takes the lock."""
    if unit.language is not ir.Language.C:
        return False
    takers = {
        step.spot.function
        for step in facts.lock_steps
        if step.what == "take" and step.spot.path == unit.path and last_word(step.lock.rpartition(".")[2]) == lock
    }
    local = {f.name for f in unit.functions if f.local}
    callers, handed = _callers(unit)
    waiting, seen = [function], {function}
    while waiting:
        one = waiting.pop()
        above = callers.get(one, set())
        if one not in local or one in handed or not above:
            return False
        following = above - takers - seen
        seen |= following
        waiting.extend(following)
    return True


def _callers(unit: ir.Unit) -> tuple[dict[str, set[str]], set[str]]:
    """Who calls each function of a file, and which functions are named without being called."""
    names = {f.name for f in unit.functions}
    callers: dict[str, set[str]] = {}
    handed: set[str] = set()
    for function in unit.functions:
        called = set()
        for call in calls_in(function.body):
            if call.name in names:
                callers.setdefault(call.name, set()).add(function.name)
                called.add(id(call.function))
        for part in every_expression(function.body):
            if isinstance(part, ir.Name) and part.name in names and id(part) not in called:
                handed.add(part.name)
    named = (e for v in unit.variables if v.value is not None for e in _names(v.value))
    return callers, handed | {name for name in named if name in names}


def _names(value: ir.Expression) -> list[str]:
    return [e.name for e in expressions(value) if isinstance(e, ir.Name)]
