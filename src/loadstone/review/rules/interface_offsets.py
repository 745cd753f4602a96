"""Objects of several interfaces that give ``this`` out as an interface which lies elsewhere in them.

Each interface of an object has a table of functions of its own, at an offset of its own. ``static_cast`` adds the
offset; ``reinterpret_cast``, and ``this`` stored in a ``void *``, do not, and a caller gets the table of the first
interface. Source: Microsoft, "Rules for implementing QueryInterface".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import last_word, uncast
from loadstone.review.typenames import base_type
from loadstone.review.walk import expressions

__all__ = ["WrongTable", "wrong_tables"]

_NAMED: Final = re.compile(r"(?:\A|_)(?:IID|iid|uuidof)_?(\w+)\Z")
_UNKNOWN: Final = "IUnknown"
_TWO: Final = 2


@dataclass(frozen=True, slots=True)
class WrongTable:
    """Where a method gives ``this`` out as an interface, and the interface that lies at that place instead."""

    function: ir.Function
    line: int
    interface: str
    first: str


def wrong_tables(unit: ir.Unit) -> Iterator[WrongTable]:
    """The places of a file where an object gives the wrong part of itself out."""
    if unit.language is not ir.Language.CPP:
        return
    bases = {c.name: tuple(last_word(b) for b in c.bases) for c in unit.classes if len(c.bases) >= _TWO}
    lines = unit.text.split("\n") if bases else []
    for function in unit.functions if bases else ():
        mine = bases.get(last_word(function.owner), ())
        told = set()
        for line, interface in _given(function, mine) if mine else ():
            if line not in told:
                told.add(line)
                yield WrongTable(function, line, interface, mine[0])
        for part in every_expression(function.body) if mine else ():
            given = base_type(part.type) if isinstance(part, ir.Cast) and _is_this(part.operand) else ""
            blind = given in mine[1:] and "reinterpret_cast" in lines[part.line - 1]
            if blind and part.line not in told:
                told.add(part.line)
                yield WrongTable(function, part.line, given, mine[0])


def _is_this(value: ir.Expression | None) -> bool:
    bare = uncast(value)
    return isinstance(bare, ir.Name) and bare.name == "this"


def _given(function: ir.Function, bases: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """``if (riid == IID_ISecond) *out = this;``: the line and the interface that was asked for."""
    for statement in every_statement(function.body):
        if not isinstance(statement, ir.If):
            continue
        asked = {name for name in _asked(statement.condition) if name in bases}
        for inner in statement.then.body:
            if not isinstance(inner, ir.Assign) or not _is_this(inner.value):
                continue
            seen = next((base_type(c.type) for c in expressions(inner.value) if isinstance(c, ir.Cast)), "void")
            place = bases[0] if seen in {"void", last_word(function.owner)} else seen
            wrong = sorted(asked - {place, _UNKNOWN})
            if wrong and place in bases:
                yield inner.line, wrong[0]


def _asked(condition: ir.Expression) -> Iterator[str]:
    """The interfaces that a condition compares an identifier with: ``IID_IPersist``, ``__uuidof(IPersist)``."""
    for part in expressions(condition):
        if isinstance(part, ir.Name):
            found = _NAMED.search(part.name)
            yield found[1] if found is not None else last_word(part.name)
        elif isinstance(part, ir.Cast):
            yield base_type(part.type)
