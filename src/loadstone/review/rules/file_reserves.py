"""Python: memory that is reserved in the size that a header of a file or of a message names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.mentions import module_value
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.buffer_sizes import BUFFERS, is_limited
from loadstone.review.rules.places import step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import expressions, parts_of, statements

__all__ = ["file_reserves"]

_UNPACKS: Final = frozenset({"unpack", "unpack_from"})
_WIDE: Final = frozenset("ILQNilqn")
"""Letters of numbers of 32 bits and more: the most that one of 16 bits reserves is little. Source: struct."""

_FEWEST: Final = 4
"""Bytes of the narrowest number that names too much."""

_ITEM: Final = re.compile(r"(\d*)([a-zA-Z?])")
_MOST_ITEMS: Final = 1 << 10

_RESERVES: Final = BUFFERS | {"bytes", "bytearray"}


def file_reserves(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The blocks of a program whose size somebody else's numbers say, and nothing compares."""
    for unit in facts.program.units:
        handling = "ctypes" in unit.text or "cffi" in unit.text
        numbers = ".unpack" in unit.text or "from_bytes" in unit.text
        if unit.language is not ir.Language.PYTHON or not numbers or not handling:
            continue
        for function in unit.functions:
            told = dict(_told(unit, function))
            for call, name in _reserved(function) if told else ():
                if told.get(name, call.line + 1) <= call.line and not is_limited(function, {name}):
                    yield rule.no(
                        f"As many bytes are reserved as {name} says, up to 4 GiB or more, which the data names and "
                        "nothing compares.",
                        Location.lines(unit.path, call.line),
                        cwe=789,
                        severity=Severity.MEDIUM,
                        fix="Compare it with what is left of the data, or with a limit, first.",
                        why=(
                            step(Spot(unit.path, told[name], function.name), "taken from the data", "taint"),
                            step(Spot(unit.path, call.line, function.name), "reserved", "use"),
                        ),
                        context=function.name,
                    )


def _told(unit: ir.Unit, function: ir.Function) -> Iterator[tuple[str, int]]:
    """The variables that hold a wide number of packed data, and where they are given it."""
    unpacked: dict[str, str] = {}
    for statement in statements(function.body.body):
        value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        if not isinstance(statement, ir.Assign) or not (name := spelled(statement.target)):
            continue
        if isinstance(value, ir.Call) and simple(value.name) in _UNPACKS:
            unpacked[name] = _layout(unit, value)
        elif isinstance(value, ir.Call) and value.name == "int.from_bytes" and _is_wide(value):
            yield name, statement.line
        elif isinstance(value, ir.Item):
            base = uncast(value.base)
            whole = isinstance(base, ir.Call) and simple(base.name) in _UNPACKS
            layout = _layout(unit, base) if whole else unpacked.get(spelled(base), "")  # type: ignore[arg-type]
            number = value.index.value if isinstance(value.index, ir.Literal) else None
            if isinstance(number, int) and _letter(layout, number) in _WIDE:
                yield name, statement.line


def _is_wide(made: ir.Call) -> bool:
    """``int.from_bytes(f.read(4), "big")``, ``int.from_bytes(data[8:16], "little")``: of four bytes or more."""
    of = uncast(made.arguments[0]) if made.arguments else None
    given: list[ir.Expression] = []
    if isinstance(of, ir.Call) and simple(of.name) in {"read", "recv"}:
        given = [*map(uncast, of.arguments[:1])]
    elif isinstance(of, ir.Item) and isinstance(bounds := uncast(of.index), ir.Display):
        given = [*map(uncast, bounds.items)]
    numbers = [e.value for e in given if isinstance(e, ir.Literal) and isinstance(e.value, int)]
    if not numbers or len(numbers) != len(given):
        return False
    return (numbers[-1] - numbers[0] if len(numbers) > 1 else numbers[0]) >= _FEWEST


def _letter(layout: str, number: int) -> str:
    """The type letter of one item of a format of ``struct``; empty where there is none."""
    letters: list[str] = []
    for count, letter in _ITEM.findall(layout):
        times = 0 if letter == "x" else 1 if letter in "sp" or not count else min(int(count), _MOST_ITEMS)
        letters += letter * times
    return letters[number] if 0 <= number < len(letters) else ""


def _layout(unit: ir.Unit, call: ir.Call) -> str:
    """``struct.unpack("<II", data)``, ``HEADER.unpack(data)`` of ``HEADER = struct.Struct("<II")``; or empty."""
    given: ir.Expression | None = call.arguments[0] if call.name.startswith("struct.u") and call.arguments else None
    if given is None and isinstance(call.receiver, ir.Name):
        made = uncast(module_value(unit, call.receiver.name))
        given = made.arguments[0] if isinstance(made, ir.Call) and made.arguments else None
    text = uncast(given)
    return text.value if isinstance(text, ir.Literal) and isinstance(text.value, str) else ""


def _reserved(function: ir.Function) -> Iterator[tuple[ir.Call, str]]:
    """``bytes(n)``, ``create_string_buffer(n + 1)``: the call, and the variable that says how much."""
    for statement in statements(function.body.body):
        for part in parts_of(statement):
            if isinstance(part, ir.Call) and part.name in _RESERVES and len(part.arguments) == 1:
                yield from ((part, e.name) for e in _numbers(part.arguments[0]))
            kind = uncast(part.function) if isinstance(part, ir.Call) else None
            if (
                isinstance(kind, ir.Operation)
                and kind.operator == "*"
                and spelled(kind.operands[0]).startswith("ctypes.")
            ):
                yield from ((part, e.name) for e in _numbers(kind.operands[1]))  # type: ignore[misc]  # (c_char * n)()


def _numbers(size: ir.Expression) -> Iterator[ir.Name]:
    """The variables of a plain sum or product; what a call or an index makes of one is another number."""
    bare = uncast(size)
    plain = all(isinstance(e, ir.Name | ir.Literal | ir.Operation) for e in expressions(bare))
    within = any(isinstance(e, ir.Operation) and e.operator not in {"+", "*"} for e in expressions(bare))
    if plain and not within:
        yield from (e for e in expressions(bare) if isinstance(e, ir.Name))
