"""C and C++: does each call with a format or a variable list hand over what is read?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.constant_conditions import types_in
from loadstone.review.rules.lookups import word
from loadstone.review.rules.rule import Rule

__all__ = ["wrong_arguments"]

_FORMATS: Final = {
    "printf": 0, "fprintf": 1, "dprintf": 1, "sprintf": 1, "snprintf": 2, "asprintf": 1, "syslog": 1, "err": 1,
    "errx": 1, "warn": 0, "warnx": 0,
}  # fmt: skip
"""Functions that read a format, and which argument it is. Source: their manual pages."""

_CONVERSION: Final = re.compile(
    r"%[-+ #0']*(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d*))?(?:hh|h|ll|l|z|j|t|L)?(?P<kind>[a-zA-Z%])"
)
_PIECES: Final = re.compile(r"\"\s*[A-Z_]{2,}\w*|[A-Z_]{3,}\w*\s*\"")
"""A part of a format that a macro gives."""

_PROMOTED: Final = frozenset({"char", "signed char", "unsigned char", "short", "unsigned short", "float", "bool"})
"""Types that no argument of a variable list has: they are widened. Source: C17 6.5.2.2, 7.16.1.1."""

_TEXTS: Final = re.compile(r"(?:const )?(?:struct )?\w+(?: const)? ?\*")
_LONG: Final = frozenset({"size_t", "long", "unsigned long", "ssize_t", "uint64_t", "int64_t"})
_INTEGERS: Final = re.compile(r"(?:unsigned |signed )?(?:char|short|int|long|long long)|unsigned|u?int\d+_t|s?size_t\Z")


def wrong_arguments(rule: Rule, unit: ir.Unit) -> Iterator[Claim]:
    """The calls of a file whose arguments are too few for their format, or of another kind."""
    for function in unit.functions:
        types = types_in(function)
        for call in calls_in(function.body):
            for cwe, told, fix in _faults(unit, call, types):
                yield rule.no(
                    told,
                    Location.lines(unit.path, call.line),
                    cwe=cwe,
                    fix=fix,
                    context=function.name,
                    condition=function.condition,
                )


def _faults(unit: ir.Unit, call: ir.Call, types: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    position = _FORMATS.get(call.name)
    if position is not None and len(call.arguments) > position:
        text = uncast(call.arguments[position])
        lines = "".join(unit.line_text(n) for n in range(call.line, max(call.line, call.end_line) + 1))
        if isinstance(text, ir.Literal) and isinstance(text.value, str) and not _PIECES.search(lines):
            yield from _against(text.value, call, call.arguments[position + 1 :], types)
    elif call.name == "va_arg" and len(call.arguments) == 2:
        kind = word(call.arguments[1])
        if kind in _PROMOTED:
            yield (
                686,
                f"va_arg reads a {kind}, which is handed over as an int or a double.",
                "Read what is handed over.",
            )
    elif call.name in {"execl", "execlp"} and call.arguments and not any(map(_is_end, call.arguments)):
        yield 628, f"The list of {call.name} has no null pointer at its end.", "Write (char *)NULL behind the last."


def _may_be_several(argument: ir.Expression) -> bool:
    """Whether an argument is written as a macro's call, which may stand for several: ``LENGTH_AND_TEXT(name)``."""
    bare = uncast(argument)
    return isinstance(bare, ir.Call) and bare.receiver is None and bare.name.isupper()


def _is_end(argument: ir.Expression) -> bool:
    bare = uncast(argument)
    return isinstance(bare, ir.Literal) and bare.value in {None, 0}


def _against(
    text: str, call: ir.Call, given: Sequence[ir.Expression], types: Mapping[str, str]
) -> Iterator[tuple[int, str, str]]:
    wanted: list[tuple[str, str]] = []
    for found in _CONVERSION.finditer(text):
        if found["kind"] in {"%", "m"}:
            continue
        wanted += [("*", "d")] * ((found["width"] == "*") + (found["precision"] == "*"))
        wanted.append((found[0], found["kind"]))
    if "$" in text or re.search(r"%[^a-zA-Z%]*\Z|%[A-Z]", text):
        return
    if any(_may_be_several(argument) for argument in given):
        return
    if len(given) < len(wanted):
        told = f"The format of {call.name} reads {len(wanted)} arguments; {len(given)} are given."
        yield 628, told, "Give each conversion its argument."
        return
    for (spelled, kind), argument in zip(wanted, given, strict=False):
        bare = uncast(argument)
        has = types.get(bare.name, "").strip() if isinstance(bare, ir.Name) and argument is bare else ""
        if kind == "s" and _INTEGERS.fullmatch(has):
            yield 686, f"{spelled} reads a text, and {word(bare)} is {has}.", "Write the conversion for its type."
        elif kind in "di" and spelled == f"%{kind}" and has in _LONG:
            yield 686, f"{spelled} reads an int, and {word(bare)} is {has}, which is longer.", "Write %zu or %ld."
        elif kind in "dixu" and _TEXTS.fullmatch(has):
            yield 686, f"{spelled} reads a number, and {word(bare)} is {has}.", "Write the conversion for its type."
