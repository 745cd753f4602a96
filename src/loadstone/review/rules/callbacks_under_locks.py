"""Callbacks that are called in turn with the lock of their list held: one that registers or leaves waits for ever.

What a list of callbacks holds is code of others. With the lock held that adding and taking out needs, a callback that
does either waits for itself; where the lock may be taken again, the list changes under the loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.rules.held_regions import locked_statements
from loadstone.review.rules.lookups import word
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, parts_of

__all__ = ["called_in_turn"]

_ADDS: Final = frozenset({"push_back", "emplace_back", "insert", "emplace", "append", "push_front", "erase", "remove"})


def called_in_turn(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The loops of C and C++ that call what a list holds, with the lock held that the list is changed under."""
    for unit in facts.program.units:
        if unit.language is ir.Language.PYTHON:
            continue
        changed = [
            (lock, container, function)
            for function in unit.functions
            for statement, held in locked_statements(facts, function)
            for container in _changed(statement)
            for lock in held
        ]
        for function in unit.functions if changed else ():
            for statement, held in locked_statements(facts, function):
                for call, container in _calls_of_elements(function, statement):
                    other = next(
                        (f for lock, c, f in changed if lock in held and c == container and f is not function), None
                    )
                    if other is None or _is_recursive(unit, held):
                        continue
                    place = Location.lines(unit.path, call.line)
                    yield rule.no(
                        f"What {container} holds is called with {min(held)} held, which {last_word(other.name)} "
                        "takes: a callback that calls that waits for ever.",
                        place,
                        cwe=833,
                        severity=Severity.MEDIUM,
                        confidence=Confidence.POSSIBLE,
                        fix="Copy the list under the lock, release the lock, and call what the copy holds.",
                        why=(
                            FlowStep(place, "code of others is called", "call"),
                            FlowStep(Location.lines(unit.path, other.line), "takes the lock too", "lock"),
                        ),
                        context=function.name,
                        condition=function.condition,
                    )


def _changed(statement: ir.Statement) -> Iterator[str]:
    """The containers that a statement adds to or takes from."""
    target = statement.target if isinstance(statement, ir.Assign) else None
    while isinstance(target, ir.Member):  # subscribers[count].notify = notify
        target = uncast(target.base)
    if isinstance(target, ir.Item):
        yield word(target.base)
    for part in parts_of(statement):
        if isinstance(part, ir.Call) and part.receiver is not None and last_word(part.name) in _ADDS:
            yield word(part.receiver)


def _calls_of_elements(function: ir.Function, statement: ir.Statement) -> Iterator[tuple[ir.Call, str]]:
    """The calls that loops make of the elements of a container, each with the container."""
    if not isinstance(statement, ir.Loop):
        return
    current = {}
    if statement.each is not None and (container := word(statement.each[1])):
        current = {e.name: container for e in expressions(statement.each[0]) if isinstance(e, ir.Name)}
    own = {word(s.target) for s in every_statement(function.body) if isinstance(s, ir.Assign) and s.declares}
    for call in calls_in(statement.body):
        called = uncast(call.function)
        while isinstance(called, ir.Operation) and called.operator == "deref" and called.operands:
            called = uncast(called.operands[0])
        if isinstance(called, ir.Name) and called.name in current:
            yield call, current[called.name]
            continue
        inner = called.base if isinstance(called, ir.Member) else called  # subscribers[i].notify(event)
        if isinstance(inner, ir.Item) and word(inner.base) not in own:
            yield call, word(inner.base)


def _is_recursive(unit: ir.Unit, locks: frozenset[str]) -> bool:
    kinds = [v.type for v in unit.variables if v.name in locks]
    kinds += [m.type for c in unit.classes for m in c.members if m.name in locks]
    return any("ecursive" in k or "GRecMutex" in k or "CRITICAL_SECTION" in k for k in kinds) or (
        "MUTEX_RECURSIVE" in unit.text
    )
