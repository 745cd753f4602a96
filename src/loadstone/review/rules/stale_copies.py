"""What was asked or copied under a lock, and is acted on when the lock is gone.

``lock; have = handle != NULL; unlock; if (!have) { lock; handle = dlopen(...)``: two threads load.
``lock; copy = handle; unlock; dlsym(copy, name)``: another thread may close it in between, under the very lock.
"""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.held_regions import locked_word, statements_with_locks
from loadstone.review.rules.lookups import plays, word
from loadstone.review.walk import expressions, parts_of

__all__ = ["StaleCopy", "stale_copies"]


@dataclass(frozen=True, slots=True)
class StaleCopy:
    """A shared variable, the line where it is read under a lock, the lock, and the line that acts on that later."""

    function: ir.Function
    variable: str
    lock: str
    read: int
    acted: int
    closed: int = 0
    """Where another function closes it under the lock; 0 where it is loaded twice."""


def stale_copies(facts: Facts, unit: ir.Unit) -> Iterator[StaleCopy]:
    """The copies of a file of C or C++ that are out of date when they are used."""
    shared = {v.name for v in unit.variables} | {m.name for c in unit.classes for m in c.members}
    closing = [*_closed(facts, unit)]
    for function in unit.functions:
        walked = [*statements_with_locks(facts, function.body)]
        for position, (statement, held) in enumerate(walked):
            if not held or not isinstance(statement, ir.Assign) or not isinstance(statement.target, ir.Name):
                continue
            copy, read = statement.target.name, _read(statement.value, shared)
            if not read or copy in shared:
                continue
            lock = min(held)
            rest = walked[position + 1 :]
            written = [s for s, h in walked if lock in h and isinstance(s, ir.Assign) and word(s.target) == read]
            if not written or all(s.line > _unlocked(rest, lock) for s in written):
                yield from _reloaded(facts, function, copy, read, lock, statement.line, rest)
            plain = isinstance(uncast(statement.value), ir.Name | ir.Member)
            done = [
                (f, line) for name, under, f, line in closing if (name, under) == (read, lock) and f is not function
            ]
            if plain and done and not written and _only_copies(walked, lock):
                used = next(_uses(facts, rest, copy, lock), 0)
                if used:
                    yield StaleCopy(function, read, lock, statement.line, used, done[0][1])


def _read(value: ir.Expression | None, shared: set[str]) -> str:
    """The one shared variable that a value is, or is a test of."""
    found = {word(e) for e in expressions(value) if isinstance(e, ir.Name | ir.Member) and word(e) in shared}
    calls = any(isinstance(e, ir.Call) for e in expressions(value))
    return found.pop() if len(found) == 1 and not calls else ""


def _unlocked(rest: list[tuple[ir.Statement, frozenset[str]]], lock: str) -> int:
    return next((s.line for s, held in rest if lock not in held), 0)


def _reloaded(
    facts: Facts,
    function: ir.Function,
    copy: str,
    read: str,
    lock: str,
    line: int,
    rest: list[tuple[ir.Statement, frozenset[str]]],
) -> Iterator[StaleCopy]:
    """Where the copy says that nothing is loaded, the lock is taken again, and it is loaded without asking again."""
    for statement, held in rest:
        if lock in held or not isinstance(statement, ir.If):
            continue
        if not any(isinstance(e, ir.Name) and e.name == copy for e in expressions(statement.condition)):
            continue
        for inner, inside in statements_with_locks(facts, statement.then):
            if lock not in inside:
                continue
            if any(word(e) == read for p in _asked(inner) for e in expressions(p)):
                return
            loads = isinstance(inner, ir.Assign) and any(
                isinstance(e, ir.Call) and plays(facts, e, ApiRole.LOAD) for e in expressions(inner.value)
            )
            if loads and isinstance(inner, ir.Assign) and word(inner.target) == read:
                yield StaleCopy(function, read, lock, line, inner.line)
                return


def _asked(statement: ir.Statement) -> Iterator[ir.Expression]:
    if isinstance(statement, ir.If):
        yield statement.condition


def _only_copies(walked: list[tuple[ir.Statement, frozenset[str]]], lock: str) -> bool:
    """Whether nothing but copying is done under the lock: no count is raised that keeps the library."""
    inside = [s for s, held in walked if lock in held]
    plain = (ir.Assign, ir.Block, ir.Return)
    return (
        all(isinstance(s, plain) or (isinstance(s, ir.Evaluate) and isinstance(s.expression, ir.Call)) for s in inside)
        and all(
            not isinstance(s, ir.Assign) or (not s.operator and isinstance(uncast(s.value), ir.Name | ir.Member))
            for s in inside
        )
        and sum(isinstance(s, ir.Evaluate) for s in inside) <= 1
    )  # the release itself


def _uses(facts: Facts, rest: list[tuple[ir.Statement, frozenset[str]]], copy: str, lock: str) -> Iterator[int]:
    """The lines that look something up in the copy, or call it, with the lock not held."""
    for statement, held in rest:
        if lock in held:
            continue
        for part in parts_of(statement):
            if isinstance(part, ir.Call):
                given = any(isinstance(a, ir.Name) and a.name == copy for a in map(uncast, part.arguments))
                called = isinstance(part.function, ir.Name) and part.function.name == copy
                if called or (given and plays(facts, part, ApiRole.RESOLVE)):
                    yield part.line


def _closed(facts: Facts, unit: ir.Unit) -> Iterator[tuple[str, str, ir.Function, int]]:
    """What functions close under a lock: the variable, the lock, the function, the line; also what goes with it."""
    for function in unit.functions:
        for statement, held in statements_with_locks(facts, function.body):
            for part in parts_of(statement) if held else ():
                if isinstance(part, ir.Call) and plays(facts, part, ApiRole.UNLOAD) and part.arguments:
                    for lock in held:
                        yield locked_word(part.arguments[0]), lock, function, part.line
                        for other in every_statement(function.body):
                            if isinstance(other, ir.Assign) and _is_null(other.value):
                                yield word(other.target), lock, function, part.line


def _is_null(value: ir.Expression | None) -> bool:
    bare = uncast(value)
    return isinstance(bare, ir.Literal) and bare.value in (None, 0)
