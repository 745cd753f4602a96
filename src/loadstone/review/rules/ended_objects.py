"""Objects that count their users and end themselves with the last one, used after a count was given back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_statement
from loadstone.review.analyses.words import last_word
from loadstone.review.rules.lookups import word
from loadstone.review.walk import expressions, tops

__all__ = ["UsedAfterEnd", "used_after_end"]

_INTERFACE: Final = re.compile(r"\bI[A-Z]\w*\s*\*")
"""The type of a pointer to a COM interface."""


@dataclass(frozen=True, slots=True)
class UsedAfterEnd:
    """An object that is used after a method may have ended it: its name, both lines."""

    function: ir.Function
    name: str
    ended: int
    used: int


def used_after_end(facts: Facts, unit: ir.Unit) -> Iterator[UsedAfterEnd]:
    """The uses of a file that come right after the last count may have gone."""
    ending = {f.name for u in facts.program.units for f in u.functions if f.owner and _ends_itself(f)}
    for function in unit.functions:
        types = {p.name: p.type for p in function.parameters}
        types.update(
            (s.target.name, s.type)
            for s in every_statement(function.body)
            if isinstance(s, ir.Assign) and s.declares and isinstance(s.target, ir.Name)
        )
        for block in (s for s in (function.body, *every_statement(function.body)) if isinstance(s, ir.Block)):
            yield from _within(function, block, types, ending)


def _ends_itself(function: ir.Function) -> bool:
    deletes = (c for c in calls_in(function.body) if c.name == "delete")
    return any(isinstance(a, ir.Name) and a.name == "this" for c in deletes for a in c.arguments)


def _within(function: ir.Function, block: ir.Block, types: dict[str, str], ending: set[str]) -> Iterator[UsedAfterEnd]:
    ended: dict[str, int] = {}
    for statement in block.body:
        for name, line in [*ended.items()]:
            if isinstance(statement, ir.Assign) and word(statement.target) == name:
                del ended[name]
            elif any(_reaches_through(top, name) for top in tops(statement)):
                del ended[name]
                yield UsedAfterEnd(function, name, line, statement.line)
        call = statement.expression if isinstance(statement, ir.Evaluate) else None
        held = call.receiver if isinstance(call, ir.Call) else None
        if isinstance(call, ir.Call) and isinstance(held, ir.Name):
            com = last_word(call.name) == "Release" and _INTERFACE.search(types.get(held.name, ""))
            if call.name in ending or com:
                ended[held.name] = call.line


def _reaches_through(top: ir.Expression | None, name: str) -> bool:
    return any(isinstance(e, ir.Member) and e.through and word(e.base) == name for e in expressions(top))
