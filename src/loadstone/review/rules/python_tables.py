"""Python: a library is closed through the entry of a dictionary, and the entry stays where others look it up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.walk import calls, expressions, parts

__all__ = ["LeftEntry", "left_entries"]


@dataclass(frozen=True, slots=True)
class LeftEntry:
    """A table whose entry was closed and stays: where it is closed, and where it is looked up."""

    function: ir.Function
    table: str
    closed: int
    used: int


def left_entries(unit: ir.Unit, tables: Tables) -> Iterator[LeftEntry]:
    """The entries of a file that stay behind; a program that ends, and a table that is emptied, leave none."""
    for function in unit.functions:
        for call in calls(function.body.body):
            api = tables.get(call.name)
            if api is None or api.role is not ApiRole.UNLOAD:
                continue
            entry = next((e for a in call.arguments for e in expressions(a) if isinstance(e, ir.Item)), None)
            table = spelled(entry.base) if entry is not None else ""
            if not table or _takes_out(unit, function, table):
                continue
            used = _looked_up(unit, function, table)
            if used:
                yield LeftEntry(function, table, call.line, used)


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
    return 0
