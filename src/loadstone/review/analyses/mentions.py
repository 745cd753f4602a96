"""What a block of source mentions: its statements, expressions, calls, names and members, inner blocks included."""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.review import ir
from loadstone.review.walk import children, expressions, statements, tops

__all__ = ["calls_in", "children", "every_expression", "every_statement", "members_in", "names_in"]


def every_statement(block: ir.Block) -> Iterator[ir.Statement]:
    """Every statement in a block, in the order of the source."""
    return statements(block.body)


def every_expression(block: ir.Block) -> Iterator[ir.Expression]:
    """Every expression in a block, each before its parts."""
    for statement in statements(block.body):
        for top in tops(statement):
            yield from expressions(top)


def calls_in(block: ir.Block) -> Iterator[ir.Call]:
    """Every call in a block."""
    return (e for e in every_expression(block) if isinstance(e, ir.Call))


def names_in(block: ir.Block) -> Iterator[str]:
    """Every name mentioned in a block."""
    return (e.name for e in every_expression(block) if isinstance(e, ir.Name))


def members_in(block: ir.Block) -> set[str]:
    """Every member mentioned in a block."""
    return {e.name for e in every_expression(block) if isinstance(e, ir.Member)}
