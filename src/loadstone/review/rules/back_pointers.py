"""Entries of a list that point at the owner of a library, and stay when the owner is ended and its library closed.

A claim needs all of these: a function closes the library that its parameter holds; another type has a member that
points at that parameter's type; an entry of that type is put into a variable of the file; a function that ends an owner
names that variable neither itself nor in what it calls nor in what calls it; and some function follows the member.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, names_in
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import calls_of, plays, word
from loadstone.review.typenames import base_type
from loadstone.review.walk import expressions

__all__ = ["LeftBehind", "left_behind"]

_FREES: Final = frozenset({"free", "g_free", "delete"})


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """An entry that outlives what it points at: where it was put, where that goes, and who follows it later."""

    table: str
    member: str
    put: int
    gone: int
    used: int
    function: ir.Function


@dataclass(frozen=True, slots=True)
class _Entry:
    """A store of an owner into an entry, and the variable of the file that the entry is put into."""

    owner: str
    member: str
    table: str
    line: int
    function: ir.Function


def left_behind(facts: Facts, unit: ir.Unit) -> Iterator[LeftBehind]:
    """The entries of a file that nobody takes out when what they point at is ended."""
    enders = _enders(facts, unit)
    entries = [*_entries(unit, set(enders.values()))] if enders else []
    if not entries:
        return
    called = {f.name: {last_word(c.name) for c in calls_in(f.body)} for f in unit.functions}
    named = {f.name: {*names_in(f.body)} for f in unit.functions}
    for entry in entries:
        users = [
            (part.line, f)
            for f in unit.functions
            if f is not entry.function and entry.table in named[f.name]
            for part in every_expression(f.body)
            if isinstance(part, ir.Member) and part.name == entry.member
        ]
        for function in unit.functions if users else ():
            if function is entry.function or function.name in enders or any(calls_of(facts, function, ApiRole.LOAD)):
                continue
            gone = [c.line for c in _outside_loops(function) if enders.get(last_word(c.name)) == entry.owner]
            near = _reached(function.name, called) | {n for n, names in called.items() if function.name in names}
            if gone and not any(entry.table in named.get(name, ()) for name in near):
                yield LeftBehind(entry.table, entry.member, entry.line, gone[0], users[0][0], function)


def _enders(facts: Facts, unit: ir.Unit) -> dict[str, str]:
    """The functions that close the library which their parameter holds, and free it; each with the type it ends."""
    found: dict[str, str] = {}
    for function in unit.functions:
        for parameter in function.parameters:
            if "*" not in parameter.type:
                continue
            closes = any(plays(facts, c, ApiRole.UNLOAD) and _is_of(c, parameter.name) for c in calls_in(function.body))
            frees = any(
                last_word(c.name) in {"free", "g_free", "delete"} and [word(a) for a in c.arguments] == [parameter.name]
                for c in calls_in(function.body)
            )
            if closes and frees:
                found[last_word(function.name)] = base_type(parameter.type)
    return found


def _is_of(call: ir.Call, name: str) -> bool:
    """``dlclose(p->handle)``: of a member of the parameter."""
    given = uncast(call.arguments[0]) if call.arguments else None
    return isinstance(given, ir.Member) and word(given.base) == name


def _entries(unit: ir.Unit, owners: set[str]) -> Iterator[_Entry]:
    """The places where an entry that points at an owner is made and put into a variable of the file."""
    members = {
        m.name: base_type(m.type)
        for c in unit.classes
        for m in c.members
        if "*" in m.type and base_type(m.type) in owners and c.name not in owners
    }
    shared = {v.name for v in unit.variables}
    for function in unit.functions if members else ():
        for statement in every_statement(function.body):
            target = uncast(statement.target) if isinstance(statement, ir.Assign) else None
            if isinstance(target, ir.Member) and target.name in members:
                table = _put_into(function, target.base, shared)
                if table:
                    yield _Entry(members[target.name], target.name, table, statement.line, function)


def _put_into(function: ir.Function, entered: ir.Expression, shared: set[str]) -> str:
    """The variable of the file that an entry is an element of, or is named with in one call or one assignment."""
    bare = uncast(entered)
    if isinstance(bare, ir.Item) and word(bare.base) in shared:
        return word(bare.base)
    entry = word(bare)
    for call in calls_in(function.body):
        mentioned = {e.name for a in call.arguments for e in expressions(a) if isinstance(e, ir.Name)}
        if entry and entry in mentioned and mentioned & shared:
            return min(mentioned & shared)
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and entry and word(statement.value) == entry:
            into = {e.name for e in expressions(statement.target) if isinstance(e, ir.Name)} & shared
            if into:
                return min(into)
    return ""


def _outside_loops(function: ir.Function) -> Iterator[ir.Call]:
    """The calls of a function that are not repeated: what ends all of a kind is the end of the program."""
    within = {id(c) for s in every_statement(function.body) if isinstance(s, ir.Loop) for c in calls_in(s.body)}
    return (c for c in calls_in(function.body) if id(c) not in within)


def _reached(name: str, called: dict[str, set[str]]) -> set[str]:
    found, work = {name}, [name]
    while work:
        more = called.get(work.pop(), set()) - found
        found |= more
        work.extend(more)
    return found
