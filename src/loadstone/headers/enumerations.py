"""Enums: their values, which are constants from there on, and the type that holds them.

Source: ISO C17 6.7.2.2; C23 for a fixed type and for values that need more than ``int``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadstone.headers.basics import TYPE_WORDS
from loadstone.headers.cursor import Refused
from loadstone.headers.expressions import Value
from loadstone.headers.types import Enumeration, Integer

if TYPE_CHECKING:
    from loadstone.headers.parser import Parser

__all__ = ["enumeration"]


def enumeration(parser: Parser) -> Enumeration:
    """``enum tag { ... }``; its values are constants from here on."""
    parser.position += 1
    attributes = parser.attributes()[0]
    tag = ""
    if parser.kind() == "name":
        tag = parser.peek()
        parser.position += 1
    fixed: Integer | None = None
    if parser.peek() == ":" and (parser.peek(1) in TYPE_WORDS or parser.peek(1) in parser.typedefs):
        parser.position += 1
        under = parser.specifiers().type
        if not isinstance(under, Integer):
            raise Refused(f"an enum over {under}", parser.here())
        fixed = under
    if parser.peek() != "{":
        if not tag:
            raise parser.unexpected()
        if fixed is not None:
            parser.enumerations[tag] = Enumeration(tag, (), fixed.size, fixed.signed)
        return parser.enumerations.get(tag, Enumeration(tag))
    values = _enumerators(parser, fixed)
    attributes |= parser.attributes()[0]
    size, signed = (fixed.size, fixed.signed) if fixed else _holds(values, packed=attributes.packed)
    _retyped(parser, values, size, signed)
    made = Enumeration(tag, tuple(values), size, signed)
    if tag:
        parser.enumerations[tag] = made
    return made


def _enumerators(parser: Parser, fixed: Integer | None) -> list[tuple[str, int]]:
    parser.expect("{")
    values: list[tuple[str, int]] = []
    following = Value(0)
    while not parser.take("}"):
        name, token = parser.peek(), parser.here()
        if parser.kind() != "name":
            raise parser.unexpected()
        parser.position += 1
        parser.attributes()
        value = parser.expression() if parser.take("=") else following
        if value.floating:
            raise Refused(f"{name} is not an integer", token)
        if fixed is not None and value.converted(fixed.size, fixed.signed).number != value.number:
            raise Refused(f"{name} does not fit into {fixed}", token)
        number = int(value.number)
        values.append((name, number))
        parser.values[name] = value
        size = 4 if -(1 << 31) <= number + 1 < 1 << 31 else 8
        following = Value(number + 1, max(size, value.size), value.signed and number + 1 < 1 << 63)
        if not parser.take(","):
            parser.expect("}")
            break
    return values


def _retyped(parser: Parser, values: list[tuple[str, int]], size: int, signed: bool) -> None:
    """Enumerators that fit ``int`` are ints; of an enum that needs more, all have its type (GCC, C23)."""
    wide = any(not -(1 << 31) <= number < 1 << 31 for _, number in values)
    for name, number in values:
        parser.values[name] = Value(number, size, signed) if wide else Value(number)


def _holds(values: list[tuple[str, int]], *, packed: bool) -> tuple[int, bool]:
    """The size and sign of an enum's type: GCC's and clang's choice, the smallest of all when packed."""
    low, high = min((n for _, n in values), default=0), max((n for _, n in values), default=0)
    for size in (1, 2, 4, 8) if packed else (4, 8):
        if low >= 0 and high < 1 << 8 * size:
            return size, False
        if low < 0 and -(1 << (8 * size - 1)) <= low and high < 1 << (8 * size - 1):
            return size, True
    return 8, low < 0
