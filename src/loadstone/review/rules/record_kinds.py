"""Records of foreign code that are read as a larger kind of record, with nothing asked about their kind or size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.walk import expressions, parts_of, statements

__all__ = ["Widened", "widened"]

_TELLS: Final = re.compile(
    r"(?i)(?:\A|_)(?:cb|size|length|len|kind|type|tag|id|magic|version|class|code)(?:\Z|_)|sType"
)
"""Names of fields that say what a record is, or how large."""


@dataclass(frozen=True, slots=True)
class Widened:
    """A cast of a pointer to a record into one to a record that begins with it, and the field that tells them apart."""

    function: ir.Function
    line: int
    record: str
    teller: str


def widened(unit: ir.Unit) -> Iterator[Widened]:
    """The casts of a file to a record that begins with another one, where nothing was asked about what was given."""
    begins = dict(_records(unit))
    larger = {name: fields[0][1] for name, fields in begins.items() if fields and fields[0][1] in begins}
    for function in unit.functions if larger else ():
        asked = {part.name for part in _asked(function) if isinstance(part, ir.Member)}
        for statement in statements(function.body.body):
            for part in parts_of(statement):
                record = _cast_to(part)
                tellers = [n for n, _ in begins[larger[record]] if _TELLS.search(n)] if record in larger else []
                if tellers and not asked & set(tellers):
                    yield Widened(function, part.line, record, tellers[0])


def _records(unit: ir.Unit) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The structures of a file, each with its fields and the names of their types."""
    for statement in statements(unit.functions[0].body.body) if unit.functions else ():
        if not isinstance(statement, ir.Assign) or not isinstance(statement.value, ir.Display):
            continue
        target = spelled(statement.target)
        owner = target.removesuffix("._fields_") if target.endswith("._fields_") else ""
        if target == "_fields_":
            owner = next((c.name for c in unit.classes if c.line <= statement.line <= c.end_line), "")
        if owner:
            rows = [item.items for item in statement.value.items if isinstance(item, ir.Display)]
            yield (
                owner,
                [
                    (str(row[0].value), spelled(row[1]))
                    for row in rows
                    if len(row) > 1 and isinstance(row[0], ir.Literal)
                ],
            )


def _cast_to(part: ir.Expression) -> str:
    """``cast(p, POINTER(Record))``, ``Record.from_address(a)``: the record."""
    match part:
        case ir.Call(name="ctypes.cast", arguments=(_, kind)):
            to = uncast(kind)
            return spelled(to.arguments[0]) if isinstance(to, ir.Call) and to.arguments else ""
        case _:
            return ""


def _asked(function: ir.Function) -> Iterator[ir.Expression]:
    for statement in statements(function.body.body):
        condition = getattr(statement, "condition", None) or getattr(statement, "subject", None)
        yield from expressions(condition)
        for part in parts_of(statement):
            if isinstance(part, ir.Operation) and part.operator == "?:":
                yield from expressions(part.operands[0])
            elif isinstance(part, ir.Item):  # KINDS[head.kind]
                yield from expressions(part.index)
            elif isinstance(part, ir.Call) and part.name.rpartition(".")[2] == "get":
                yield from (inner for argument in part.arguments for inner in expressions(argument))
