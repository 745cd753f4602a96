"""Constructors that throw with a library open: the destructor of an object that was never whole does not run."""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import word
from loadstone.review.walk import expressions

__all__ = ["thrown_away"]


def thrown_away(facts: Facts, unit: ir.Unit) -> Iterator[tuple[ir.Function, str, int, int]]:
    """Each constructor with the member that holds the library, where that was opened and where it throws."""
    closing = {f.owner for f in unit.functions if "::~" in f.name and _plays(facts, f.body, ApiRole.UNLOAD)}
    raw = {
        (c.name, m.name) for c in unit.classes for m in c.members if "*" in m.type or m.type in {"HMODULE", "HINSTANCE"}
    }
    for function in unit.functions:
        owner = function.owner.rpartition("::")[2]
        if owner != last_word(function.name) or function.owner not in closing:
            continue
        opened: dict[str, int] = {}
        for statement in function.body.body:
            if isinstance(statement, ir.Assign) and (owner, word(statement.target)) in raw:
                call = uncast(statement.value)
                if isinstance(call, ir.Call) and _role(facts, call) is ApiRole.LOAD:
                    opened[word(statement.target)] = statement.line
            if isinstance(statement, ir.If) and opened:
                asked = {word(e) for e in expressions(statement.condition)}
                thrown = next((s for s in every_statement(statement.then) if isinstance(s, ir.Raise)), None)
                member = next((m for m in opened if m not in asked), None)
                if thrown is not None and member and not _plays(facts, statement.then, ApiRole.UNLOAD):
                    yield function, member, opened[member], thrown.line


def _role(facts: Facts, call: ir.Call) -> ApiRole | None:
    api = facts.apis.get(call.name)
    return api.role if api is not None else None


def _plays(facts: Facts, block: ir.Block, role: ApiRole) -> bool:
    return any(_role(facts, call) is role for call in calls_in(block))
