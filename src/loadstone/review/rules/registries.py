"""Tables of what a library made that still hold it when the library is closed, and that others look things up in.

A claim needs all of these: a function of the class or file puts into a container what came from a library, another
closes libraries while the container lives on, neither it nor what it calls so much as names the container, and a third
function looks something up in it. Destructors are left out: the container goes with the object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import calls_of
from loadstone.review.walk import expressions

__all__ = ["Stale", "stale_entries"]

_PUTS: Final = frozenset(
    {"insert", "emplace", "push_back", "emplace_back", "append", "insert_or_assign", "try_emplace", "prepend"}
)
_HOLDS: Final = re.compile(
    r"\b(?:map|unordered_map|multimap|vector|list|deque|set|QHash|QMap|QMultiHash|QMultiMap|QList|QVector)\s*<"
)
_HOLDS_LIBRARY: Final = re.compile(r"shared_ptr|function<|weak_ptr|QPointer")
"""Elements that may keep their library open, or know when they are gone."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A container that keeps what a closed library made: where it is filled, closed under, and looked into."""

    container: str
    filled: int
    closed: int
    used: int
    function: ir.Function


def stale_entries(facts: Facts, unit: ir.Unit) -> Iterator[Stale]:
    """The containers of a C++ file that outlive what is in them."""
    containers = {m.name: c.name for c in unit.classes for m in c.members if _is_plain(m.type)}
    containers.update((v.name, "") for v in unit.variables if _is_plain(v.type))
    by_name = {f.name: f for f in unit.functions}
    for name, owner in containers.items():
        filled = next(((f, line) for f in unit.functions if (line := _filled(facts, f, name))), None)
        if filled is None:
            continue
        for function in unit.functions:
            close = next(calls_of(facts, function, ApiRole.UNLOAD), None)
            if close is None or "~" in function.name or function is filled[0] or function.owner != filled[0].owner:
                continue
            if _is_named(function, name, {n: f for n, f in by_name.items() if f is not filled[0]}):
                continue
            used = next(
                (line for f in unit.functions if f is not function and (line := _looked_into(f, name, owner))), 0
            )
            if used:
                yield Stale(name, filled[1], close.line, used, function)
                break


def _is_plain(spelled: str) -> bool:
    return bool(_HOLDS.search(spelled)) and "*" in spelled and not _HOLDS_LIBRARY.search(spelled)


def _filled(facts: Facts, function: ir.Function, container: str) -> int:
    """Where a function puts into a container what a library made; 0 where it does not."""
    made = _made(facts, function)
    for call in calls_in(function.body):
        if last_word(call.name) in _PUTS and _ends_in(call.receiver, container) and _mentions(call.arguments, made):
            return call.line
    for statement in every_statement(function.body):
        target = uncast(statement.target) if isinstance(statement, ir.Assign) else None
        if not isinstance(target, ir.Item) or not isinstance(statement, ir.Assign) or statement.value is None:
            continue
        if _ends_in(target.base, container) and _mentions((statement.value,), made):
            return statement.line
    return 0


def _made(facts: Facts, function: ir.Function) -> set[str]:
    """Local variables that hold what a library's factory gave, casts and further pointers to it included."""
    found: set[str] = set()
    for statement in every_statement(function.body):
        if not isinstance(statement, ir.Assign) or not isinstance(statement.target, ir.Name) or statement.value is None:
            continue
        parts = [*expressions(statement.value)]
        made = any(isinstance(p, ir.Call) and _gives_object(facts, p) for p in parts)
        if made or any(isinstance(p, ir.Name) and p.name in found for p in parts):
            found.add(statement.target.name)
    return found


def _gives_object(facts: Facts, call: ir.Call) -> bool:
    api = facts.apis.get(call.name)
    if api is not None:
        return api.role is ApiRole.RESOLVE
    word = last_word(call.name)
    return word in {"instance", "rootComponent"} and call.receiver is not None


def _mentions(given: tuple[ir.Expression, ...], names: set[str]) -> bool:
    return any(isinstance(p, ir.Name) and p.name in names for e in given for p in expressions(e))


def _ends_in(expression: ir.Expression | None, name: str) -> bool:
    bare = uncast(expression)
    return isinstance(bare, ir.Name | ir.Member) and bare.name == name


def _is_named(function: ir.Function, name: str, by_name: dict[str, ir.Function]) -> bool:
    """Whether a function, or one that it calls, names a variable."""
    called = [
        by_name.get(c.name) or by_name.get(f"{function.owner}::{last_word(c.name)}") for c in calls_in(function.body)
    ]
    return any(
        isinstance(e, ir.Name | ir.Member) and e.name == name
        for f in (function, *(c for c in called if c is not None))
        for e in every_expression(f.body)
    )


def _looked_into(function: ir.Function, name: str, owner: str) -> int:
    """Where a function takes something out of a container to use it; 0 where it does not."""
    if owner and function.owner != owner:
        return 0
    for expression in every_expression(function.body):
        match expression:
            case ir.Call() if last_word(expression.name) in _TAKES and _ends_in(expression.receiver, name):
                return expression.line
            case ir.Item() if _ends_in(expression.base, name):
                return expression.line
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Loop) and statement.each is not None and _ends_in(statement.each[1], name):
            return statement.line
    return 0


_TAKES: Final = frozenset({"value", "find", "at", "front", "back", "constFind", "lookup"})
