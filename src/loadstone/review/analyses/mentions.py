"""What a block of source mentions: its statements, expressions, calls, names and members, inner blocks included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from loadstone.review import ir
from loadstone.review.walk import calls, children, kept, parts, statements

__all__ = [
    "Assignment",
    "calls_in",
    "children",
    "every_expression",
    "every_statement",
    "members_in",
    "module_value",
    "names_in",
    "says",
    "stores_in",
    "values_given",
]


def every_statement(block: ir.Block) -> Iterator[ir.Statement]:
    """Every statement in a block, in the order of the source."""
    return statements(block.body)


def every_expression(block: ir.Block) -> Iterator[ir.Expression]:
    """Every expression in a block, each before its parts."""
    return parts(block.body)


def calls_in(block: ir.Block) -> Iterator[ir.Call]:
    """Every call in a block."""
    return calls(block.body)


@kept
def says(unit: ir.Unit, pattern: re.Pattern[str]) -> bool:
    """Whether the text of a file has what a pattern means, which is asked for many functions of it."""
    return pattern.search(unit.text) is not None


def names_in(block: ir.Block) -> Iterator[str]:
    """Every name mentioned in a block."""
    return (e.name for e in every_expression(block) if isinstance(e, ir.Name))


class Assignment(NamedTuple):
    """What an assignment stores to, by which operator (none for ``=``), and what."""

    target: ir.Expression
    operator: str
    value: ir.Expression | None
    line: int


@kept
def stores_in(block: ir.Block) -> tuple[Assignment, ...]:
    """Every assignment in a block: those that are statements first, then those inside of expressions."""
    plain = [s for s in every_statement(block) if isinstance(s, ir.Assign)]
    inner = [e for e in every_expression(block) if isinstance(e, ir.AssignmentExpression)]
    every: list[ir.Assign | ir.AssignmentExpression] = [*plain, *inner]
    return tuple(Assignment(one.target, one.operator, one.value, one.line) for one in every)


def values_given(block: ir.Block, name: str) -> list[ir.Expression | None]:
    """What the assignments of a block give to a variable."""
    return [
        s.value
        for s in statements(block.body)
        if isinstance(s, ir.Assign) and isinstance(s.target, ir.Name) and s.target.name == name
    ]


def module_value(unit: ir.Unit, name: str) -> ir.Expression | None:
    """The one value a variable of a Python file's top level gets there; None when it gets none or several."""
    given = [value for function in unit.functions[:1] for value in values_given(function.body, name)]
    return given[0] if len(given) == 1 else None


def members_in(block: ir.Block) -> set[str]:
    """Every member mentioned in a block."""
    return {e.name for e in every_expression(block) if isinstance(e, ir.Member)}
