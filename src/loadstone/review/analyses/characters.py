"""Loops that look at each character of a text: when such a loop ends, all of the text was looked at."""

from __future__ import annotations

import re
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.apis import ApiRole, Tables
from loadstone.review.walk import expressions

__all__ = ["looked_at"]

_CHARACTER: Final = re.compile(
    r"(?:^|_|::|\.)is_?w?(?:alnum|alpha|digit|lower|upper|xdigit|letter(?:OrNumber)?)\Z", re.IGNORECASE
)
"""Functions that ask what kind of character they are given, whoever wrote them."""

_SEARCHES: Final = frozenset({"strchr", "wcschr"})
"""Functions that look for their second argument, a character, among those of the first."""

_BOTH_ENDS: Final = 2
"""A range of characters has a first and a last one."""


def looked_at(loop: ir.Loop, tables: Tables) -> list[ir.Expression]:
    """The texts each of whose characters a loop looks at."""
    tested: list[ir.Expression] = []
    ranges: list[ir.Expression] = []
    for expression in (*expressions(loop.condition), *every_expression(loop.body)):
        if isinstance(expression, ir.Call):
            api = tables.get(expression.name)
            is_known = api is not None and api.role is ApiRole.TEST and api.kind == "character"
            if is_known or _CHARACTER.search(expression.name):
                tested.extend(expression.arguments[:1] or ([expression.receiver] if expression.receiver else []))
            elif expression.name in _SEARCHES and _is_set(expression.arguments):
                tested.append(expression.arguments[1])
        elif isinstance(expression, ir.Operation) and expression.operator in {"<", "<=", ">", ">="}:
            one, other = expression.operands
            ranges.extend(a for a, b in ((one, other), (other, one)) if _is_character(b) and not _is_character(a))
    if len(ranges) >= _BOTH_ENDS:
        tested.extend(ranges[:1])
    copies = _copies(loop)
    texts = (_text_of(t, loop) for t in tested)
    return [copies.get(s.name, s) if isinstance(s, ir.Name) else s for s in texts if s is not None]


def _copies(loop: ir.Loop) -> dict[str, ir.Expression]:
    """The texts whose characters a loop copies into a variable first: ``char c = *p;``."""
    made = [(s.target, s.value) for s in every_statement(loop.body) if isinstance(s, ir.Assign)]
    made += [(e.target, e.value) for e in expressions(loop.condition) if isinstance(e, ir.AssignmentExpression)]
    return {
        target.name: text
        for target, value in made
        if isinstance(target, ir.Name) and isinstance(piece := uncast(value), ir.Item | ir.Operation)
        if isinstance(piece, ir.Item) or piece.operator == "deref"
        if (text := _text_of(piece, loop)) is not None
    }


def _is_set(arguments: tuple[ir.Expression, ...]) -> bool:
    """Whether the first argument spells the characters of a name, or those that end one."""
    if len(arguments) < 2 or not isinstance(first := uncast(arguments[0]), ir.Literal):
        return False
    return isinstance(first.value, str) and any(map(str.isalnum, first.value)) != ("/" in first.value)


def _is_character(expression: ir.Expression) -> bool:
    bare = uncast(expression)
    return isinstance(bare, ir.Literal) and isinstance(bare.value, str) and len(bare.value) == 1 and bare.value != "\0"


def _text_of(expression: ir.Expression, loop: ir.Loop) -> ir.Expression | None:
    """The text that a character is one of."""
    current: ir.Expression | None = uncast(expression)
    for _ in range(8):
        match current:
            case ir.Item(base=base):
                return base
            case ir.Operation(operator="deref" | "post" | "+", operands=(first, *_)):
                current = uncast(first)
            case ir.AssignmentExpression(target=target):
                current = target
            case ir.Name(name=name) if loop.each is not None and isinstance(loop.each[0], ir.Name):
                return loop.each[1] if loop.each[0].name == name else current
            case _:
                return current
    return None
