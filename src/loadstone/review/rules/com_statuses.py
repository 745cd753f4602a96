"""HRESULT asked as if it were a truth: S_OK is zero, so what works looks false, and what fails looks true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.words import gives_hresult, place_named, uncast
from loadstone.review.rules.constant_conditions import types_in
from loadstone.review.rules.lookups import word
from loadstone.review.rules.reads_through import read_by
from loadstone.review.walk import expressions, tops

__all__ = ["wrong_truths"]

_TRUTHS: Final = frozenset({"bool", "BOOL", "BOOLEAN", "gboolean"})


def wrong_truths(unit: ir.Unit, function: ir.Function) -> Iterator[tuple[int, str]]:
    """The lines of a function where an HRESULT is taken for a truth, and how."""
    members = {m.name: m.type for c in unit.classes for m in c.members}
    kinds = {**members, **types_in(function)}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If):
            bare = uncast(statement.condition)
            if isinstance(bare, ir.Operation) and bare.operator == "!":
                if _is_status(unit, kinds, bare.operands[0]) and _fails(statement.then):
                    yield statement.line, "it is refused where it worked: S_OK is zero"
            elif (
                isinstance(bare, ir.Call)
                and _is_status(unit, kinds, bare)
                and _uses_what_is_filled(bare, statement.then)
            ):
                yield statement.line, "what it was to fill is used where it failed: S_OK is zero"
        elif (
            isinstance(statement, ir.Return)
            and function.returns.rpartition(" ")[2] in _TRUTHS
            and statement.value is not None
            and _is_status(unit, kinds, statement.value)
        ):
            yield statement.line, f"it is returned as {function.returns}, which is false for S_OK"


def _is_status(unit: ir.Unit, kinds: dict[str, str], part: ir.Expression) -> bool:
    bare = uncast(part)
    if isinstance(bare, ir.Call):
        return gives_hresult(bare.name) or _gives_status(unit, kinds.get(word(bare.function), ""))
    return kinds.get(word(bare), "") == "HRESULT"


def _gives_status(unit: ir.Unit, kind: str) -> bool:
    """Whether a type is that of a pointer to a function which returns an HRESULT."""
    if "(" in kind:
        return kind.lstrip().startswith("HRESULT")
    name = re.escape(kind.strip())
    return bool(name) and bool(
        re.search(rf"typedef\s+HRESULT\s*\([^)]*\*\s*{name}\s*\)|using\s+{name}\s*=\s*HRESULT\b", unit.text)
    )


def _fails(block: ir.Block) -> bool:
    last = block.body[-1] if block.body else None
    if isinstance(last, ir.Raise):
        return True
    value = uncast(last.value) if isinstance(last, ir.Return) else None
    return (
        isinstance(value, ir.Literal)
        and (value.value is None or value.value is False or (isinstance(value.value, int) and value.value < 0))
    ) or (isinstance(value, ir.Name) and value.name.startswith("E_"))


def _uses_what_is_filled(call: ir.Call, block: ir.Block) -> bool:
    filled = {place_named(a) for a in call.arguments} - {""}
    parts = (e for s in block.body for top in tops(s) for e in expressions(top))
    return any(place_named(p) in filled for e in parts for p in read_by(e))
