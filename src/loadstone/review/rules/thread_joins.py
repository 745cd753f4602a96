"""Threads that are waited for with a lock held that they take themselves: neither goes on."""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.core.claims import Claim, Confidence, FlowStep, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Access, Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.state import Held, Spot
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays, word
from loadstone.review.rules.places import at, step
from loadstone.review.rules.python_locks import taken
from loadstone.review.rules.rule import Rule
from loadstone.review.rules.shown_threads import is_start
from loadstone.review.walk import expressions

__all__ = ["joined_with_lock"]

_MAX_DEPTH = 4
"""Calls that are followed from where a thread begins."""


def joined_with_lock(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """Each wait for a thread with a lock held that all threads of the file take."""
    units = {u.path: u for u in facts.program.units}
    done: set[Spot] = set()
    for spot, locks in sorted(_joins(facts), key=lambda j: j[0]):
        if spot in done:
            continue
        bodies = [*_bodies(facts, units[spot.path], spot.function.rpartition(".")[0])]
        for held in locks:
            name = last_word(held.lock.rpartition(".")[2].partition(" of ")[0])
            lines = [next(_takes(facts, units[spot.path], body, name, 0), 0) for body in bodies]
            if not lines or not all(lines):
                continue
            done.add(spot)
            there = Location.lines(spot.path, lines[0])
            yield rule.no(
                f"The thread is waited for with {held.lock} held since line {held.spot.line}, which the thread takes "
                f"at line {lines[0]}: neither goes on.",
                at(spot),
                cwe=833,
                severity=Severity.HIGH,
                confidence=Confidence.LIKELY,
                fix="Release the lock, then wait for the thread.",
                why=(
                    step(held.spot, f"{held.lock} is taken", "lock"),
                    FlowStep(there, "the thread takes it", "lock"),
                    step(spot, "waited for", "use"),
                ),
                context=spot.function,
                condition=spot.condition,
            )
            break


def _joins(facts: Facts) -> Iterator[tuple[Spot, tuple[Held, ...]]]:
    """Where a thread is waited for, and what is held there by the function that does."""
    for site in facts.of(ApiRole.JOINED):
        if last_word(site.api.name) != "get":
            yield from ((site.spot, i.locks) for i in site.invocations if i.locks)
    yield from _own_joins(facts)
    for access in facts.accesses:
        if access.variable == "join" and access.owner == "threading.Thread" and access.locks:
            yield access.spot, _held(access)


def _own_joins(facts: Facts) -> Iterator[tuple[Spot, tuple[Held, ...]]]:
    """Python: ``self.join()`` of a class that is a thread, inside ``with self._lock:``."""
    for unit in (u for u in facts.program.units if u.language is ir.Language.PYTHON):
        threads = {c.name for c in unit.classes if any(last_word(b) == "Thread" for b in c.bases)}
        for function in (f for f in unit.functions if f.owner in threads):
            for block in (s for s in every_statement(function.body) if isinstance(s, ir.With)):
                spot = Spot(unit.path, block.line, function.name)
                held = tuple(Held(name, spot, scoped=True) for c in taken(block) if (name := _last(c)))
                joins = (c for c in calls_in(block.body) if last_word(c.name) == "join" and word(c.receiver) == "self")
                yield from ((Spot(unit.path, c.line, function.name), held) for c in joins)


def _held(access: Access) -> tuple[Held, ...]:
    return tuple(access.locks)


def _bodies(facts: Facts, unit: ir.Unit, owner: str) -> Iterator[ir.Function]:
    """What the threads of a file run: a thread class's own ``run``, else what is handed to the start of one."""
    named = {last_word(f.name): f for f in unit.functions}
    threads = {c.name for c in unit.classes if any(last_word(b) == "Thread" for b in c.bases)}
    if owner in threads:
        yield from (f for f in unit.functions if f.owner == owner and last_word(f.name) == "run")
        return
    for function in unit.functions:
        for call in calls_in(function.body):
            if is_start(facts, unit, call):
                given = (*call.arguments, *(value for _, value in call.keywords))
                for argument in map(uncast, given):
                    inner = [e for e in expressions(argument) if isinstance(e, ir.Closure)]
                    words = [last_word(e.name) for e in expressions(argument) if isinstance(e, ir.Name | ir.Member)]
                    yield from (e.function for e in inner)
                    yield from (named[w] for w in words if w in named and not inner)


def _takes(facts: Facts, unit: ir.Unit, function: ir.Function, lock: str, depth: int) -> Iterator[int]:
    """The lines at which a function takes a lock of that name and waits for it, also in functions it calls."""
    for statement in every_statement(function.body) if unit.language is ir.Language.PYTHON else ():
        yield from (statement.line for c in taken(statement) if _last(c) == lock)
    for call in calls_in(function.body):
        if plays(facts, call, ApiRole.LOCK, ApiRole.GUARD):
            subject = call.arguments[0] if call.arguments else call.receiver
            if subject is not None and _last(subject) == lock:
                yield call.line
    if depth < _MAX_DEPTH:
        named = {last_word(f.name): f for f in unit.functions}
        for word in {last_word(c.name) for c in calls_in(function.body)} & named.keys():
            if named[word] is not function:
                yield from _takes(facts, unit, named[word], lock, depth + 1)


def _last(expression: ir.Expression) -> str:
    """The member or variable that a lock is named by last: ``mu`` of ``&s->mu``."""
    bare = uncast(expression)
    while isinstance(bare, ir.Operation) and bare.operator in {"address", "deref"} and bare.operands:
        bare = uncast(bare.operands[0])
    return last_word(bare.name) if isinstance(bare, ir.Name | ir.Member) else ""
