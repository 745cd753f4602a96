"""Bytes that are read as a text though nothing says that they end: what a file, a peer or ``strncpy`` filled whole.

Asked of an array of characters, and of one in a record that is read as a whole. Silent where anything in sight ends or
bounds the text: a byte of it is stored, ``memchr`` or ``strnlen`` look into it, it is printed with a precision, or, of
a record, the same file of source writes such records itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.typenames import base_type
from loadstone.review.walk import kept

__all__ = ["UnendedText", "unended_texts"]

_FILLS: Final = {
    "fread": (0, (1, 2)), "read": (1, (2,)), "pread": (1, (2,)), "recv": (1, (2,)), "recvfrom": (1, (2,)),
    "mq_receive": (1, (2,)), "memcpy": (0, (2,)), "memmove": (0, (2,)), "strncpy": (0, (2,)), "readlink": (1, (2,)),
}  # fmt: skip
"""Functions that fill as many bytes as they are told and end no text: the target, and the sizes whose product it is."""

_READS: Final = frozenset(
    {"strlen", "strcmp", "strcasecmp", "strcpy", "strcat", "strdup", "strchr", "strrchr", "strstr", "strpbrk", "strspn"}
    | {"strcspn", "strtok", "strtok_r", "stpcpy", "puts", "fputs", "atoi", "atol", "strtol", "strtoul", "sscanf"}
    | {"fopen", "open", "stat", "access", "dlopen", "dlmopen", "dlsym", "setenv", "realpath"}
)
"""Functions that read a text up to its end, whatever it takes. Source: C17 7.24, their manual pages."""

_PRINTS: Final = {"printf": 0, "fprintf": 1, "dprintf": 1, "sprintf": 1, "snprintf": 2, "asprintf": 1, "syslog": 1}
_CONVERSION: Final = re.compile(r"%(?:%|([-+ #0]*)(\*|\d+)?(\.(?:\*|\d+))?(?:hh|h|ll|l|j|z|t|L)?([a-zA-Z]))")
_BOUNDS: Final = frozenset({"memchr", "strnlen", "strnlen_s", "memcmp"})
_WRITES: Final = frozenset({"fwrite", "write", "pwrite", "send", "sendto"})
_CHARACTERS: Final = re.compile(r"\A(?:const |unsigned |signed )*(?:char|gchar|uint8_t|BYTE)\b[^*(]*\[")


@dataclass(frozen=True, slots=True)
class UnendedText:
    """A text that may not end: its name, the call that filled it, and what reads it."""

    name: str
    filled: int
    filler: str
    read: int
    reader: str


def unended_texts(unit: ir.Unit) -> Iterator[tuple[ir.Function, UnendedText]]:
    """The texts of a file that are read though they may not end, with the function that reads them, each once."""
    records = _records(unit)
    for function in unit.functions:
        types = _types(unit, function)
        fills = [found for call in calls_in(function.body) for found in _filled(call, types, records)]
        if not fills:
            continue
        ended = _ended(function) | _ended_by_others(unit, function)
        zeroed = _zeroed(function)
        told: set[str] = set()
        for name, filled in fills:
            first = next((r for r in _read_after(function, name, filled.line) if name not in told), None)
            if first is None or name in ended or _is_short_of(filled, name, zeroed):
                continue
            told.add(name)
            yield function, UnendedText(name, filled.line, last_word(filled.name), *first)


def _records(unit: ir.Unit) -> dict[str, frozenset[str]]:
    """The texts in records of a file that it does not write itself."""
    written = {
        base_type(_types(unit, f).get(name, ""))
        for f in unit.functions
        for c in calls_in(f.body)
        if last_word(c.name) in _WRITES
        for a in c.arguments
        if (name := place_named(a))
    }
    return {
        one.name.rpartition("::")[2]: frozenset(m.name for m in one.members if _CHARACTERS.match(m.type))
        for one in unit.classes
        if base_type(one.name) not in written
    }


def _types(unit: ir.Unit, function: ir.Function) -> dict[str, str]:
    """The types of the variables a function names."""
    found = {v.name: v.type for v in unit.variables} | {p.name: p.type for p in function.parameters}
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.declares and isinstance(statement.target, ir.Name):
            found[statement.target.name] = statement.type
    return found


def _filled(call: ir.Call, types: dict[str, str], records: dict[str, frozenset[str]]) -> Iterator[tuple[str, ir.Call]]:
    """The texts that a call fills to their last byte: an array, or those of a record."""
    place = _FILLS.get(last_word(call.name))
    if place is None or len(call.arguments) <= max(place[1]):
        return
    name = place_named(call.arguments[place[0]])
    sizes = [uncast(call.arguments[n]) for n in place[1]]
    whole = any(_is_size_of(s, name) for s in sizes)
    if whole and _CHARACTERS.match(types.get(name, "")):
        yield name, call
    spelled = types.get(name.removesuffix("[]"), "")
    if (whole or any(map(_is_size_of_type, sizes))) and last_word(call.name) != "strncpy":
        for member in sorted(records.get(base_type(spelled), ())):
            yield f"{name}.{member}", call


def _is_size_of(size: ir.Expression, name: str) -> bool:
    if isinstance(size, ir.Operation) and size.operator == "-" and len(size.operands) == 2:
        last = uncast(size.operands[1])
        size = uncast(size.operands[0]) if isinstance(last, ir.Literal) and last.value == 1 else size
    if not isinstance(size, ir.Operation) or size.operator != "sizeof" or not name:
        return False
    return bool(size.operands) and place_named(size.operands[0]) == name


def _is_size_of_type(size: ir.Expression) -> bool:
    """``sizeof(struct record)``: of a type."""
    if not isinstance(size, ir.Operation) or size.operator != "sizeof":
        return False
    return all(isinstance(operand, ir.Cast) for operand in size.operands)


def _is_short_of(call: ir.Call, name: str, zeroed: frozenset[str]) -> bool:
    """Whether a call leaves the last byte of a text, which was zero before."""
    place = _FILLS[last_word(call.name)]
    less = any(isinstance(s := uncast(call.arguments[n]), ir.Operation) and s.operator == "-" for n in place[1])
    return less and name in zeroed


def _zeroed(function: ir.Function) -> frozenset[str]:
    """What begins as zeros: initialised with braces or a text, static, or cleared by ``memset``."""
    found = {
        place_named(s.target)
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.declares and (s.static or s.value is not None)
    }
    clears = (c for c in calls_in(function.body) if last_word(c.name) in {"memset", "bzero", "explicit_bzero"})
    return frozenset(found | {place_named(c.arguments[0]) for c in clears if c.arguments})


@kept
def _ended(function: ir.Function) -> frozenset[str]:
    """The texts that a function ends, or bounds some other way."""
    found = set()
    measured: dict[tuple[str, str], int] = {}  # where a text ends is asked of the text itself: nothing ends it there
    for statement in every_statement(function.body):
        value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
        if isinstance(value, ir.Call) and value.arguments and last_word(value.name) in {"strlen", "strcspn"}:
            measured.setdefault((place_named(value.arguments[0]), place_named(statement.target)), statement.line)  # type: ignore[union-attr]
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and isinstance(item := uncast(statement.target), ir.Item):
            index = uncast(item.index)
            first = isinstance(index, ir.Literal) and index.value == 0
            asked = measured.get((place_named(item.base), place_named(index)), statement.line + 1)
            if not first and asked > statement.line:
                found.add(place_named(item.base))
    for part in every_expression(function.body):
        if isinstance(part, ir.AssignmentExpression) and isinstance(item := uncast(part.target), ir.Item):
            found.add(place_named(item.base))
        elif isinstance(part, ir.Operation) and part.operator in {"==", "!="}:  # name[15] != 0
            found |= {place_named(o.base) for side in part.operands if isinstance(o := uncast(side), ir.Item)}
        elif (
            isinstance(part, ir.Operation)
            and part.operator == "!"
            and isinstance(item := uncast(part.operands[0]), ir.Item)
        ):
            found.add(place_named(item.base))
        elif isinstance(part, ir.Call) and last_word(part.name) in _BOUNDS:
            found |= {place_named(a) for a in part.arguments}
        elif isinstance(part, ir.Call):
            found |= {place_named(argument) for argument, bounded in _printed(part) if bounded}
    return frozenset(found - {""})


def _ended_by_others(unit: ir.Unit, function: ir.Function) -> frozenset[str]:
    """The texts that functions end which are given them, or the record they are in."""
    others = {last_word(f.name): f for f in unit.functions if f is not function}
    found = set()
    for call in calls_in(function.body):
        callee = others.get(last_word(call.name))
        for parameter, argument in zip(callee.parameters, call.arguments, strict=False) if callee is not None else ():
            given = place_named(argument)
            for name in _ended(callee) if callee is not None and given else ():
                first, _, rest = name.partition(".")
                if first == parameter.name:
                    found.add(f"{given}.{rest}" if rest else given)
    return frozenset(found)


def _read_after(function: ir.Function, name: str, line: int) -> Iterator[tuple[int, str]]:
    """Where a text is read up to its end, behind a line."""
    for call in calls_in(function.body):
        if call.line < line:
            continue
        word = last_word(call.name)
        given = [a for a, bounded in _printed(call) if not bounded] if word in _PRINTS else list(call.arguments)
        if word in _READS | _PRINTS.keys() and any(place_named(a) == name and _is_whole(a) for a in given):
            yield call.line, word


def _is_whole(argument: ir.Expression) -> bool:
    bare = uncast(argument)
    return isinstance(bare, ir.Name | ir.Member)


def _printed(call: ir.Call) -> Iterator[tuple[ir.Expression, bool]]:
    """The arguments that a call prints as texts, and whether a precision bounds each."""
    place = _PRINTS.get(last_word(call.name))
    layout = uncast(call.arguments[place]) if place is not None and len(call.arguments) > place else None
    if place is None or not isinstance(layout, ir.Literal) or not isinstance(layout.value, str):
        return
    given = iter(call.arguments[place + 1 :])
    for _, width, precision, kind in _CONVERSION.findall(layout.value):
        if not kind:
            continue
        for star in (width == "*", precision == ".*"):
            if star:
                next(given, None)
        argument = next(given, None)
        if argument is not None and kind == "s":
            yield argument, bool(precision)
