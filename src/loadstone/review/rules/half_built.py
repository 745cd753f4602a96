"""Constructors that throw with a library open: the destructor of an object that was never whole does not run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import word
from loadstone.review.walk import expressions

__all__ = ["left_running", "thrown_away"]

_ENDS: Final = re.compile(
    r"(?i)close|free|release|destroy|end\Z|delete|unref|drop|fini|shut|stop|unregister|detach|logout"
)


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
                asked = {word(e) for e in _decided(statement.condition)}
                thrown = next((s for s in every_statement(statement.then) if isinstance(s, ir.Raise)), None)
                member = next((m for m in opened if m not in asked), None)
                if thrown is not None and member and not _plays(facts, statement.then, ApiRole.UNLOAD):
                    yield function, member, opened[member], thrown.line


def _decided(condition: ir.Expression) -> Iterator[ir.Expression]:
    """What a condition is about; what its calls are given is not."""
    bare = uncast(condition)
    if isinstance(bare, ir.Operation):
        for operand in bare.operands:
            yield from _decided(operand)
    else:
        yield bare


def left_running(unit: ir.Unit) -> Iterator[tuple[ir.Function, str, int, int]]:
    """Each constructor that throws behind what filled a member, which the destructor of the class gives back.

    ``if (open(name, &id_) != 0) throw ...; if (start(id_) != 0) throw ...;``: the second throw leaves it open.
    """
    for one in unit.classes:
        numbers = {m.name for m in one.members if not re.search(r"[<&]|std::", m.type)}
        methods = [f for f in unit.functions if last_word(f.owner) == one.name]
        end = next((f for f in methods if last_word(f.name) == f"~{one.name}"), None)
        given_back = _given_back(end, methods) & numbers if end is not None else set()
        for function in (f for f in methods if last_word(f.name) == one.name and given_back):
            held: dict[str, int] = {}
            for statement in function.body.body:
                if not isinstance(statement, ir.If):
                    held |= dict.fromkeys(_filled(statement) & given_back, statement.line)
                    continue
                thrown = next((s for s in every_statement(statement.then) if isinstance(s, ir.Raise)), None)
                left = next((n for n in held if not _hands_over(statement.then, n, methods)), "")
                if thrown is not None and left and left not in {word(e) for e in _decided(statement.condition)}:
                    yield function, left, held[left], thrown.line
                    break
                held |= dict.fromkeys(_filled(statement) & given_back, statement.line)


def _given_back(end: ir.Function, methods: Sequence[ir.Function]) -> set[str]:
    """The members that a destructor, or the one method that it calls, hands to a function that is not of the class."""
    called = [f for f in methods for c in calls_in(end.body) if last_word(c.name) == last_word(f.name) and f is not end]
    own = {last_word(f.name) for f in methods}
    calls = [c for f in (end, *called) for c in calls_in(f.body) if last_word(c.name) not in own]
    return {word(c.arguments[0]) for c in calls if len(c.arguments) == 1 and _ENDS.search(word(c.function))}


def _filled(statement: ir.Statement) -> set[str]:
    """The names whose address a statement hands to a function."""
    top = statement.condition if isinstance(statement, ir.If) else None
    within = ir.Block(statement.line, statement.line, (statement,))
    calls = (
        [e for e in expressions(top) if isinstance(e, ir.Call)]
        if top is not None
        else [*calls_in(within)]
        if isinstance(statement, ir.Evaluate | ir.Assign)
        else []
    )
    given = (uncast(a) for c in calls for a in c.arguments)
    return {word(a.operands[0]) for a in given if isinstance(a, ir.Operation) and a.operator == "address"}


def _hands_over(block: ir.Block, name: str, methods: Sequence[ir.Function]) -> bool:
    """Whether a block gives a member back, itself or by a method of the class."""
    own = {last_word(f.name) for f in methods}
    return any(
        name in map(word, c.arguments) or (last_word(c.name) in own and c.receiver is None) for c in calls_in(block)
    )


def _role(facts: Facts, call: ir.Call) -> ApiRole | None:
    api = facts.apis.get(call.name)
    return api.role if api is not None else None


def _plays(facts: Facts, block: ir.Block, role: ApiRole) -> bool:
    return any(_role(facts, call) is role for call in calls_in(block))
