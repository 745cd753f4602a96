"""Locks and guards that keep nobody out: a guard that ends where it begins or never locks, a lock of one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays, word
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions

__all__ = ["idle_guards"]

_MUTEXES: Final = ("pthread_mutex_t", "pthread_rwlock_t", "mtx_t", "GMutex", "CRITICAL_SECTION", "SRWLOCK", "QMutex")
_CPP_MUTEXES: Final = frozenset(
    {"mutex", "recursive_mutex", "timed_mutex", "recursive_timed_mutex", "shared_mutex", "shared_timed_mutex"}
)
_STANDARD: Final = frozenset({"std::lock_guard", "std::unique_lock", "std::scoped_lock", "std::shared_lock"})
_PYTHON_LOCKS: Final = frozenset({"threading.Lock", "threading.RLock", "Lock", "RLock", "multiprocessing.Lock"})
_FIX: Final = "One lock that every user of the object shares, held by a guard with a name until the work is done."


def idle_guards(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Each such guard: what it is, and why it keeps nobody out."""
    for unit in facts.program.units:
        for function in unit.functions:
            found = _python(function) if unit.language is ir.Language.PYTHON else _native(facts, function)
            for line, why in found:
                place = Location.lines(unit.path, line)
                yield rule.no(
                    f"{why}: what follows is done with nothing held.",
                    place,
                    cwe=662,
                    severity=Severity.MEDIUM,
                    fix=_FIX,
                    why=(FlowStep(place, "guards nothing", "lock"),),
                    context=function.name,
                    condition=function.condition,
                )


def _python(function: ir.Function) -> Iterator[tuple[int, str]]:
    """``with Lock():`` makes a lock that nobody else has."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.With):
            for context, _ in statement.items:
                if isinstance(context, ir.Call) and context.name in _PYTHON_LOCKS:
                    yield statement.line, f"{context.name}() is a new lock at each call"


def _native(facts: Facts, function: ir.Function) -> Iterator[tuple[int, str]]:
    every = [*every_statement(function.body)]
    for statement in every:
        call = statement.expression if isinstance(statement, ir.Evaluate) else None
        if isinstance(call, ir.Call) and call.name in _STANDARD and call.arguments:
            yield statement.line, f"{call.name} has no name here, and ends at once"
        if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.value, ir.Call):
            name = word(statement.target)
            if plays(facts, statement.value, ApiRole.GUARD) and _is_deferred(statement.value):
                named = sum(isinstance(e, ir.Name) and e.name == name for e in every_expression(function.body))
                written = sum(isinstance(s, ir.Assign) and word(s.target) == name for s in every)
                if named <= written and statement.type:
                    yield statement.line, f"{name} is told to lock later, and never does"
    yield from _of_one_call(facts, function, every)


def _is_deferred(call: ir.Call) -> bool:
    return any(isinstance(bare := uncast(a), ir.Name) and last_word(bare.name) == "defer_lock" for a in call.arguments)


def _of_one_call(facts: Facts, function: ir.Function, every: list[ir.Statement]) -> Iterator[tuple[int, str]]:
    """A mutex that is a variable of the function: each thread that comes has its own."""
    own = {
        word(s.target): s.line
        for s in every
        if isinstance(s, ir.Assign) and s.declares and not s.static and _is_mutex(s.type)
    }
    if not own:
        return
    shared = _given_away(facts, function, own)
    for call in calls_in(function.body):
        if plays(facts, call, ApiRole.LOCK, ApiRole.GUARD):
            subject = call.arguments[0] if call.arguments else call.receiver
            name = next((e.name for e in expressions(subject) if isinstance(e, ir.Name)), "")
            if name in own and name not in shared:
                yield call.line, f"{name} is a variable of this function, a new lock at each call"


def _is_mutex(spelled: str) -> bool:
    words = spelled.split()
    if not words or "*" in spelled or "&" in spelled or "static" in words:
        return False
    return words[-1] in _MUTEXES or (
        last_word(words[-1]) in _CPP_MUTEXES and words[-1].startswith(("std::", "boost::"))
    )


def _given_away(facts: Facts, function: ir.Function, own: dict[str, int]) -> set[str]:
    """The names that others may lock too: handed to another function, stored, or used by a function made here."""
    given: set[str] = set()
    for part in every_expression(function.body):
        if isinstance(part, ir.Closure):
            given |= own.keys()
        elif isinstance(part, ir.Call) and not plays(
            facts, part, ApiRole.LOCK, ApiRole.UNLOCK, ApiRole.TRY_LOCK, ApiRole.GUARD
        ):
            given |= {e.name for a in part.arguments for e in expressions(a) if isinstance(e, ir.Name)} - _set_up(part)
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and not isinstance(statement.value, ir.Call):
            given |= {e.name for e in expressions(statement.value) if isinstance(e, ir.Name)}
    return given & own.keys()


def _set_up(call: ir.Call) -> set[str]:
    is_setup = last_word(call.name).endswith(("_init", "_destroy", "_clear")) or "CriticalSection" in call.name
    return {e.name for a in call.arguments[:1] for e in expressions(a) if isinstance(e, ir.Name)} if is_setup else set()
