"""Locks of C++ that are taken and released by hand around what may throw: the exception leaves them held."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.constant_conditions import types_in
from loadstone.review.rules.destruction_order import interfaces
from loadstone.review.rules.identities import NamesInSight, names_in_sight
from loadstone.review.rules.lookups import plays
from loadstone.review.rules.thrown_through_c import throws
from loadstone.review.typenames import base_type, pointee

__all__ = ["LeftByThrow", "left_by_throws"]


@dataclass(frozen=True, slots=True)
class LeftByThrow:
    """A lock, where it is taken, and where something between that and its release may throw."""

    function: ir.Function
    lock: str
    taken: int
    thrown: int
    what: str


def left_by_throws(facts: Facts, unit: ir.Unit) -> Iterator[LeftByThrow]:
    """The locks of a file that an exception leaves held, each once."""
    if unit.language is not ir.Language.CPP:
        return
    made = interfaces(unit)
    named = {last_word(f.name): next(throws(f.body.body, {}), None) for f in unit.functions if not f.owner}
    own = {name: found for name, found in named.items() if found is not None}
    for function in unit.functions:
        guards = {name for name, kind in types_in(function).items() if _releases_itself(facts, kind)}
        for block in (function.body, *(s for s in every_statement(function.body) if isinstance(s, ir.Block))):
            for position, statement in enumerate(block.body):
                lock = _lock(facts, statement, ApiRole.LOCK)
                if not lock or lock in guards:
                    continue
                inside = _until_release(facts, block.body[position + 1 :], lock)
                scope = names_in_sight(facts.program, unit, function)
                thrown = next(_thrown(unit, scope, inside, made, own), None)
                if thrown is not None:
                    yield LeftByThrow(function, lock, statement.line, thrown[1], thrown[0])


def _lock(facts: Facts, statement: ir.Statement, role: ApiRole) -> str:
    """The lock of the program that a statement takes or releases by a method; empty for any other statement."""
    call = uncast(statement.expression) if isinstance(statement, ir.Evaluate) else None
    by_method = isinstance(call, ir.Call) and call.receiver is not None and not call.arguments
    return place_named(call.receiver) if by_method and plays(facts, call, role) else ""  # type: ignore[arg-type,union-attr]


def _releases_itself(facts: Facts, kind: str) -> bool:
    """Whether an object of a type releases its lock when it ends: ``std::unique_lock`` taken again by hand."""
    api = facts.apis.get(base_type(kind))
    return api is not None and api.role is ApiRole.GUARD


def _until_release(facts: Facts, body: tuple[ir.Statement, ...], lock: str) -> tuple[ir.Statement, ...]:
    """The statements up to the release of a lock in the same block; none where it is released elsewhere."""
    for position, statement in enumerate(body):
        if _lock(facts, statement, ApiRole.UNLOCK) == lock:
            return body[:position]
    return ()


def _thrown(
    unit: ir.Unit,
    scope: NamesInSight,
    body: tuple[ir.Statement, ...],
    made: set[str],
    own: dict[str, tuple[str, int]],
) -> Iterator[tuple[str, int]]:
    if any(isinstance(s, ir.Try) for s in body):
        return
    yield from throws(body, own)
    for statement in body:
        for call in calls_in(ir.Block(statement.line, statement.line, (statement,))):
            if call.receiver is None:
                continue
            held = re.search(r"(?:shared_ptr|unique_ptr)\s*<\s*([\w:]+)", kind := scope.type_of(call.receiver))
            one = last_word(held[1] if held is not None else base_type(pointee(kind)))
            word = last_word(call.name)
            if one in made and not re.search(rf"\b{re.escape(word)}\s*\([^;{{}}]*\)[^;{{}}]*\bnoexcept\b", unit.text):
                yield f"{word} of the library's {one}", call.line
