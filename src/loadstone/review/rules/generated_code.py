"""Is source code that is compiled and loaded made of the program's own text alone?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, FlowStep, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_WRITES: Final = {"fprintf": 1, "dprintf": 1, "snprintf": 2, "sprintf": 1, "asprintf": 1}
"""Functions that put a text together: where its layout is."""

_CODE: Final = re.compile(
    r"#include\s*[<\"]|\breturn\b[^;]*%s|[)]\s*\{[^}]*%s|%s[^{}]*;\s*\}|extern \"C\"|\bint main\b"
)
"""A layout that is source code of C, with a piece of somebody's in it or without."""

_COMPILER: Final = re.compile(r"(?:\A|[\s/\"'])(?:[gt]?cc|g\+\+|c\+\+|c99|clang(?:\+\+)?)(?:-[\d.]+)?(?:\s|\Z|[\"'])")
_TESTS: Final = re.compile(
    r"(?i)spn\Z|pbrk\Z|\Ais[a-z]+\Z|valid|check|allow|permit|verif|sanit|escape|quote|regexec|parse|token|strto[dlu]|str[a-z]*chr"
)
"""Names of calls that look into a text, or make another of it."""


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    loading = {s.unit.path: s.spot.line for s in facts.of(ApiRole.LOAD)}
    for unit in facts.program.units:
        if unit.language not in NATIVE or unit.path not in loading:
            continue
        compiled = _compiles(unit)
        for function in unit.functions if compiled else ():
            for call, piece in _pieces(function):
                if not _is_from_outside(unit, function, piece) or _is_tested(unit, function, piece):
                    continue
                written = Location.lines(unit.path, call.line)
                yield rule.no(
                    f"{place_named(piece)} becomes source code at line {call.line}, which is compiled and loaded; "
                    "nothing asks what it is.",
                    written,
                    why=(
                        FlowStep(written, "written into source code", "source"),
                        FlowStep(Location.lines(unit.path, compiled), "compiled", "call"),
                        FlowStep(Location.lines(unit.path, loading[unit.path]), "loaded", "use"),
                    ),
                    context=function.name,
                    condition=function.condition,
                )
                break


def _compiles(unit: ir.Unit) -> int:
    """The line at which a file names a compiler; zero when it does not."""
    texts = (e for f in unit.functions for e in every_expression(f.body) if isinstance(e, ir.Literal))
    return next((e.line for e in texts if isinstance(e.value, str) and _COMPILER.search(e.value)), 0)


def _pieces(function: ir.Function) -> Iterator[tuple[ir.Call, ir.Expression]]:
    """What a function puts for ``%s`` into layouts that are source code."""
    for call in calls_in(function.body):
        place = _WRITES.get(last_word(call.name))
        layout = uncast(call.arguments[place]) if place is not None and len(call.arguments) > place else None
        if place is None or not isinstance(layout, ir.Literal) or not isinstance(layout.value, str):
            continue
        if _CODE.search(layout.value):
            kinds = re.findall(r"%[-+ #0-9.*]*(?:hh|h|ll|l|j|z|t|L)?([a-zA-Z])", layout.value)
            for kind, argument in zip(kinds, call.arguments[place + 1 :], strict=False):
                if kind == "s":
                    yield call, uncast(argument)


def _is_from_outside(unit: ir.Unit, function: ir.Function, piece: ir.Expression) -> bool:
    """Whether it is a parameter, or a member of one, for which some caller has more than a constant."""
    name = place_named(piece).partition(".")[0]
    names = [p.name for p in function.parameters]
    if name not in names or not isinstance(piece, ir.Name | ir.Member):
        return False
    place = names.index(name)
    calls = [c for f in unit.functions for c in calls_in(f.body) if last_word(c.name) == last_word(function.name)]
    given = [uncast(c.arguments[place]) for c in calls if len(c.arguments) > place]
    return not (given and all(isinstance(a, ir.Literal) for a in given))


def _is_tested(unit: ir.Unit, function: ir.Function, piece: ir.Expression) -> bool:
    """Whether the function, or one that calls it, looks into the text."""
    name = place_named(piece)
    near = [f for f in unit.functions if f is function or any(c.name == function.name for c in calls_in(f.body))]
    return any(
        _TESTS.search(last_word(c.name)) and (f is not function or any(_mentions(a, name) for a in c.arguments))
        for f in near
        for c in calls_in(f.body)
    )


def _mentions(argument: ir.Expression, name: str) -> bool:
    return place_named(argument).partition("[")[0] == name or name in place_named(argument).split(".")


RULE: Final = Rule(
    id="generated-code",
    question="Is source code that is compiled and loaded made of the program's own text alone?",
    practice=Practice.INPUT_VALIDATION,
    cwe=94,
    severity=Severity.HIGH,
    languages=NATIVE,
    why="Whoever sends the piece that is written into the source writes code that this program compiles and runs.",
    fix="Refuse all but the characters of a number or a name, or evaluate it without a compiler.",
    bad='fprintf(f, "double run(double x) { return %s; }\\n", expression);\n',
    good='if (expression[strspn(expression, "0123456789.+-*/() x")]) return -1;\n',
    references=("https://cwe.mitre.org/data/definitions/94.html",),
    answer=_answer,
)
