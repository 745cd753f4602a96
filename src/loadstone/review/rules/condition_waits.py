"""Waits for a condition that are made once: who wakes up does not know that what it waits for is so.

A wait may end with nothing said (a spurious wakeup), and another thread may have taken what was announced; and what is
announced before the wait begins is lost. So the state is asked in a loop (POSIX pthread_cond_wait(3p), SEI CERT CON36-C
and CON54-CPP).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import last_word
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays, word
from loadstone.review.rules.python_locks import taken
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["lone_waits"]

_WAITS: Final = frozenset(
    {
        *("pthread_cond_wait", "cnd_wait", "g_cond_wait", "uv_cond_wait", "SDL_CondWait", "SDL_WaitCondition"),
        *("SleepConditionVariableCS", "SleepConditionVariableSRW"),
    }
)
"""Functions of C that wait for a condition; those that wait for a time as well are often meant as a pause."""
_CONDITIONS: Final = ("condition_variable", "QWaitCondition")
_MOST: Final = 1
"""Arguments of ``cv.wait(lock)``; a second is what is asked in a loop."""


def lone_waits(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The waits that are in no loop, of functions that take the lock themselves: a helper's loop is its caller's."""
    for unit in facts.program.units:
        if "wait" in unit.text.lower().replace("sleepcondition", "wait"):
            for function in unit.functions:
                for call in _lone(facts, unit, function):
                    place = Location.lines(unit.path, call.line)
                    yield rule.no(
                        f"{last_word(function.name)} waits once; it goes on when it is woken for nothing, and waits "
                        "for ever when the news came before.",
                        place,
                        cwe=662,
                        severity=Severity.MEDIUM,
                        confidence=Confidence.LIKELY,
                        fix="while (!ready) wait; or hand the wait what it waits for.",
                        why=(FlowStep(place, "waited for once", "use"),),
                        context=function.name,
                        condition=function.condition,
                    )


def _lone(facts: Facts, unit: ir.Unit, function: ir.Function) -> Iterator[ir.Call]:
    waits = [c for c in calls_in(function.body) if _is_wait(facts, unit, function, c)]
    if not waits:
        return
    if not _takes_lock(facts, unit, function):
        own = [a for a in facts.accesses if (a.spot.path, a.spot.function) == (unit.path, function.name)]
        near = {c: max((a for a in own if a.spot.line <= c.line), key=lambda a: a.spot, default=None) for c in waits}
        waits = [c for c, a in near.items() if a is not None and a.locks and not a.is_inner]  # taken by a helper
    repeated = {id(c) for s in every_statement(function.body) if isinstance(s, ir.Loop) for c in _calls_of(s)}
    jumps_back = any(isinstance(s, ir.Jump) and s.kind == "goto" for s in every_statement(function.body))
    yield from (c for c in waits if id(c) not in repeated and not jumps_back)


def _calls_of(loop: ir.Loop) -> Iterator[ir.Call]:
    yield from calls_in(ir.Block(loop.line, loop.line, (loop,)))


def _takes_lock(facts: Facts, unit: ir.Unit, function: ir.Function) -> bool:
    if unit.language is ir.Language.PYTHON:
        return any(True for s in every_statement(function.body) for _ in taken(s))
    return any(plays(facts, c, ApiRole.LOCK, ApiRole.GUARD) for c in calls_in(function.body))


def _is_wait(facts: Facts, unit: ir.Unit, function: ir.Function, call: ir.Call) -> bool:
    if unit.language is ir.Language.PYTHON:
        receiver = spelled(call.receiver) if call.receiver is not None else ""
        if last_word(call.name) != "wait" or receiver not in _made(unit):
            return False
        return not call.arguments or _is_for_state(function, call)
    if call.name in _WAITS:
        return True
    if call.receiver is None or last_word(call.name) != "wait" or len(call.arguments) != _MOST:
        return False
    kinds = _types(facts, function, word(call.receiver))
    return any(kind in spelling for kind in _CONDITIONS for spelling in kinds)


def _is_for_state(function: ir.Function, wait: ir.Call) -> bool:
    """``if job not in done: changed.wait(5)``, and nothing asks again: a wait for a state that gives up, and no pause.

    A loop around it asks again, and so does a test of the answer.
    """
    asked: set[str] = set()
    since = 0
    for statement in every_statement(function.body):
        if not isinstance(statement, ir.If):
            continue
        named = {spelled(part) for part in expressions(statement.condition)} - {""}
        dropped = any(isinstance(s, ir.Evaluate) and s.expression is wait for s in statement.then.body)
        if dropped:
            asked, since = named, statement.line
        elif asked & named and statement.line > since:
            return False
    return bool(asked)


def _made(unit: ir.Unit) -> frozenset[str]:
    """Python: what holds a condition."""
    return frozenset(
        spelled(s.target)
        for f in unit.functions
        for s in every_statement(f.body)
        if isinstance(s, ir.Assign) and isinstance(s.value, ir.Call) and s.value.name.endswith("Condition")
    )


def _types(facts: Facts, function: ir.Function, name: str) -> Iterator[str]:
    """The types that a name of a function may have: a member's of its class, a variable's, a parameter's."""
    owner = function.owner
    for unit in facts.program.units:
        yield from (v.type for v in unit.variables if v.name == name)
        yield from (m.type for c in unit.classes if c.name == owner or not owner for m in c.members if m.name == name)
    yield from (p.type for p in function.parameters if p.name == name)
