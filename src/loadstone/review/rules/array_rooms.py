"""How much room arrays have: what their declarations say in the text of the program.

The types that the front ends keep say that something is an array, and not of how many elements. The number is looked
up where the array is declared: a number, a macro, an enumerator or a constant of the same file or of a header of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.neighbours import headers_of
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.identities import NamesInSight, names_in_sight
from loadstone.review.typenames import base_type, pointee
from loadstone.review.walk import kept

__all__ = ["Rooms", "constants", "rooms_of"]

_NUMBER: Final = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)(?:[uUlL]|z)*\Z")
_MACRO: Final = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+\(?[ \t]*(0[xX][0-9a-fA-F]+|\d+)[uUlL]*[ \t]*\)?[ \t]*(?:/[/*].*)?$",
    re.MULTILINE,
)
_NAMED: Final = re.compile(
    r"\b(?:const(?:expr)?\b[^;=()\n]*?|enum\s*\w*\s*\{[^}]*?)"
    r"\b(\w+)\s*(?:=|\{)\s*(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\s*[;,}]"
)
_STD_ARRAY: Final = re.compile(r"(?:std::)?array\s*<[^;]*,\s*([^<>,]+?)\s*>\s*&?\s*\Z")
_KNOWN: Final = {"MAX_PATH": 260, "PATH_MAX": 4096, "NAME_MAX": 255, "CHAR_BIT": 8}


@kept
def constants(unit: ir.Unit) -> dict[str, int]:
    """The macros, enumerators and constants of a file whose number its text says; one that is given two is none."""
    found: dict[str, set[int]] = {}
    for pattern in (_MACRO, _NAMED):
        for name, value in pattern.findall(unit.text):
            found.setdefault(name, set()).add(
                int(value, 0) if value[:1] != "0" or value[:2] in {"0x", "0X"} else int(value, 8)
            )
    return _KNOWN | {name: values.pop() for name, values in found.items() if len(values) == 1}


@kept
def _in_sight(program: ir.Program, unit: ir.Unit) -> tuple[tuple[ir.Unit, ...], dict[str, int]]:
    """A file and the headers it includes, and the constants of them all."""
    near = headers_of(unit)
    seen = tuple(u for u in program.units if u is unit or u.path.rpartition("/")[2] in near)
    found: dict[str, int] = {}
    for one in seen:
        found |= constants(one)
    return seen, found


@kept
def rooms_of(program: ir.Program, unit: ir.Unit, function: ir.Function) -> Rooms:
    """The arrays that a function can name."""
    return Rooms(program, unit, function, names_in_sight(program, unit, function))


class Rooms:
    """The arrays that one function can name, and the constants."""

    def __init__(self, program: ir.Program, unit: ir.Unit, function: ir.Function, scope: NamesInSight) -> None:
        self.unit = unit
        self.function = function
        self.scope = scope
        self.seen, self.constants = _in_sight(program, unit)

    def number(self, expression: ir.Expression | None) -> int | None:
        """What number an expression is, where the text says."""
        match uncast(expression):
            case ir.Literal(value=bool()):
                return None
            case ir.Literal(value=int(value)):
                return value
            case ir.Literal(value=None):
                return None
            case ir.Name(name=name):
                return self.constants.get(last_word(name))
            case ir.Operation(operator="-", operands=(one,)):
                positive = self.number(one)
                return None if positive is None else -positive
            case ir.Operation(operator="sizeof", operands=(of,)):
                return self.bytes(of)
            case ir.Operation(operator="+" | "-" | "*" | "/" | "<<" as operator, operands=(one, other)):
                return _fold(operator, self.number(one), self.number(other))
        return None

    def of(self, array: ir.Expression) -> int | None:
        """The elements of an array; None where the text does not say, or it is none."""
        spelled = _STD_ARRAY.search(self.scope.type_of(uncast(array)))
        if spelled is not None:
            return self._read(spelled[1])
        for unit, line, name in self._declared(uncast(array)):
            found = re.search(rf"\b{re.escape(name)}\s*\[([^\]\n]+)\]", unit.line_text(line))
            if found is not None:
                return self._read(found[1])
        return None

    def is_flexible(self, array: ir.Expression) -> bool:
        """Whether a member is declared as an array without a size: ``char name[];``."""
        return any(
            re.search(rf"\b{re.escape(name)}\s*\[\s*\]\s*;", unit.line_text(line)) is not None
            for unit, line, name in self._declared(uncast(array))
        )

    def bytes(self, array: ir.Expression) -> int | None:
        """The bytes of an array of characters or of numbers of known width."""
        spelled = self.scope.type_of(uncast(array))
        room = self.of(array)
        size = next((n for pattern, n in _SIZES if pattern.search(spelled)), None)
        return None if room is None or size is None or "*" in spelled or spelled.count("[") > 1 else room * size

    def _declared(self, array: ir.Expression) -> Iterator[tuple[ir.Unit, int, str]]:
        if isinstance(array, ir.Name):
            own = self._lines.get(array.name)
            if own:
                yield from ((self.unit, line, array.name) for line in own if len(own) == 1)
                return
            yield from self._members(last_word(self.function.owner), array.name)
            yield from ((u, v.line, v.name) for u in self.seen for v in u.variables if v.name == array.name)
        elif isinstance(array, ir.Member):
            yield from self._members(last_word(base_type(pointee(self.scope.type_of(array.base)))), array.name)

    @cached_property
    def _lines(self) -> dict[str, list[int]]:
        """Where the function declares each of its variables."""
        found: dict[str, list[int]] = {}
        for statement in every_statement(self.function.body):
            if isinstance(statement, ir.Assign) and statement.declares:
                found.setdefault(place_named(statement.target), []).append(statement.line)
        return found

    def _members(self, owner: str, name: str) -> Iterator[tuple[ir.Unit, int, str]]:
        for unit in self.seen:
            for one in unit.classes:
                if owner and one.name == owner:
                    yield from ((unit, m.line, name) for m in one.members if m.name == name)

    def _read(self, spelled: str) -> int | None:
        bare = spelled.strip()
        found = _NUMBER.match(bare)
        if found is not None:
            return (
                int(found[1], 0)
                if found[1] == "0" or found[1][:1] != "0" or found[1][1:2] in "xX"
                else int(found[1], 8)
            )
        parts = re.split(r"\s*([+*-])\s*", bare)
        if len(parts) == len(("one", "operator", "other")):
            return _fold(parts[1], self._read(parts[0]), self._read(parts[2]))
        return self.constants.get(last_word(bare))


_SIZES: Final = (
    (re.compile(r"\b(?:wchar_t|WCHAR|TCHAR)\b"), None),  # two or four
    (re.compile(r"\b(?:unsigned |signed )?char\b|\bu?int8_t\b|\bBYTE\b"), 1),
    (re.compile(r"\bu?int16_t\b|\bWORD\b|\bshort\b"), 2),
    (re.compile(r"\bu?int32_t\b|\bDWORD\b|\bint\b|\bfloat\b|\bunsigned\b"), 4),
    (re.compile(r"\bu?int64_t\b|\bdouble\b"), 8),
)


def _fold(operator: str, one: int | None, other: int | None) -> int | None:
    if one is None or other is None or abs(one) > 1 << 62 or abs(other) > 1 << 62:
        return None
    match operator:
        case "+":
            return one + other
        case "-":
            return one - other
        case "*":
            return one * other
        case "/":
            return one // other if other > 0 else None
        case "<<":
            return one << other if 0 <= other < 62 else None
    return None
