"""Python: a library or a handle is closed through an entry of a dictionary, which stays where others look it up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.rules.collector_releases import released
from loadstone.review.walk import calls, expressions, parts, statements, tops

__all__ = ["LeftEntry", "left_entries"]


@dataclass(frozen=True, slots=True)
class LeftEntry:
    """A table whose entry was closed and stays: where it is closed, and where it is looked up."""

    function: ir.Function
    table: str
    closed: int
    used: int


def left_entries(unit: ir.Unit, tables: Tables, bindings: Bindings) -> Iterator[LeftEntry]:
    """The entries of a file that stay behind; a program that ends, and a table that is emptied, leave none."""
    for function in unit.functions:
        for call in calls(function.body.body):
            api = tables.get(call.name)
            if api is not None and api.role is ApiRole.UNLOAD:
                entry = next((e for a in call.arguments for e in expressions(a) if isinstance(e, ir.Item)), None)
            else:
                entry = _handle_in(function, released(call, bindings, function.owner))
            table = spelled(entry.base) if entry is not None else ""
            if not table or _takes_out(unit, function, table):
                continue
            used = _looked_up(unit, function, table)
            if used:
                yield LeftEntry(function, table, call.line, used)


def _handle_in(function: ir.Function, given: ir.Expression | None) -> ir.Item | None:
    """The entry that holds a handle which is released: ``table[key]`` itself, or what a variable took from there."""
    bare: ir.Expression | None = uncast(given)
    if isinstance(bare, ir.Name):
        name = bare.name
        sets = (s for s in statements(function.body.body) if isinstance(s, ir.Assign) and spelled(s.target) == name)
        taken = [s.value for s in sets]
        bare = uncast(taken[0]) if len(taken) == 1 else None
    return bare if isinstance(bare, ir.Item) and not isinstance(bare.index, ir.Literal) else None


def _takes_out(unit: ir.Unit, function: ir.Function, table: str) -> bool:
    """Whether a function takes entries out of a table, puts others in, or does away with it."""
    text = "\n".join(unit.text.splitlines()[function.line - 1 : function.end_line])
    name = re.escape(table)
    return bool(re.search(rf"\bdel\s+{name}\b|\b{name}\.(?:pop|popitem|clear)\b|\b{name}(?:\[[^\]]*\])?\s*=[^=]", text))


def _looked_up(unit: ir.Unit, closing: ir.Function, table: str) -> int:
    """The first line of another function that takes a library out of the table and goes on with it."""
    for function in unit.functions:
        if function is closing or (table.startswith("self.") and function.owner != closing.owner):
            continue
        for part in parts(function.body.body):
            match part:
                case ir.Member(base=ir.Item(base=base), line=line) if spelled(base) == table:
                    return line
                case ir.Call(name=name, receiver=receiver, line=line) if (
                    receiver is not None and simple(name) == "get" and spelled(receiver) == table
                ):
                    return line
        for statement in statements(function.body.body):
            for top in tops(statement):
                handed = top is not getattr(statement, "target", None) and isinstance(
                    statement, ir.Assign | ir.Evaluate
                )
                for part in expressions(top) if handed else ():
                    if isinstance(part, ir.Item) and spelled(part.base) == table:
                        return part.line
    return 0
