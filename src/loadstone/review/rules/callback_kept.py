"""Is a callback kept alive for as long as the library may call it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.paths import children, every_expression, every_statement
from loadstone.review.rules.places import PYTHON
from loadstone.review.rules.rule import Rule

__all__ = ["RULE"]

_MAKERS: Final = frozenset({"ctypes.CFUNCTYPE", "ctypes.WINFUNCTYPE", "ctypes.PYFUNCTYPE"})
_REGISTERS: Final = ("set_", "register", "_on", "on_", "callback", "handler", "hook", "subscribe", "listen", "install", "add_", "connect", "atexit", "notify")
_BRIEF: Final = ("sort", "search", "foreach", "for_each", "walk", "enum", "iterate", "visit", "ftw", "scan")


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON or "FUNCTYPE" not in unit.text:
            continue
        types = _types(unit)
        for function in unit.functions:
            yield from _function(rule, unit, function, types)


def _types(unit: ir.Unit) -> set[str]:
    """Names that stand for a callback type."""
    found = set()
    for function in unit.functions:
        for statement in every_statement(function.body):
            if isinstance(statement, ir.Assign) and isinstance(statement.value, ir.Call) and statement.value.name in _MAKERS:
                target = statement.target
                found.add(target.name if isinstance(target, ir.Name | ir.Member) else "")
    return found - {""}


def _makes(expression: ir.Expression, types: set[str]) -> bool:
    if not isinstance(expression, ir.Call) or not expression.arguments:
        return False
    function = expression.function
    if isinstance(function, ir.Call) and function.name in _MAKERS:
        return True
    name = function.name if isinstance(function, ir.Name | ir.Member) else ""
    return name.rpartition(".")[2] in types or name in types


def _function(rule: Rule, unit: ir.Unit, function: ir.Function, types: set[str]) -> Iterator[Claim]:
    made: dict[str, ir.Call] = {}
    kept: set[str] = set()
    top = function.name == "<module>"
    for statement in every_statement(function.body):
        if isinstance(statement, ir.Assign) and statement.value is not None:
            if _makes(statement.value, types) and isinstance(statement.value, ir.Call):
                if isinstance(statement.target, ir.Name) and not top and statement.target.name not in function.globals:
                    made[statement.target.name] = statement.value
                else:
                    yield rule.yes("The callback is kept by a lasting owner", Location.lines(unit.path, statement.line), context=function.name)
            elif not isinstance(statement.target, ir.Name):
                kept |= set(_names(statement.value))
        elif isinstance(statement, ir.Return) and statement.value is not None:
            kept |= set(_names(statement.value))
    for expression in every_expression(function.body):
        if isinstance(expression, ir.Call):
            word = expression.name.rpartition(".")[2]
            if word in {"append", "add", "setdefault", "insert", "extend", "appendleft"}:
                kept |= {n for a in expression.arguments for n in _names(a)}
            yield from _passed(rule, unit, function, expression, made, kept, types)


def _passed(
    rule: Rule, unit: ir.Unit, function: ir.Function, call: ir.Call, made: dict[str, ir.Call], kept: set[str], types: set[str]
) -> Iterator[Claim]:
    word = call.function.name.lower() if isinstance(call.function, ir.Member) else ""
    if not any(w in word for w in _REGISTERS) or any(w in word for w in _BRIEF):
        return
    for argument in call.arguments:
        local = isinstance(argument, ir.Name) and argument.name in made and argument.name not in kept
        if local or _makes(argument, types):
            line = made[argument.name].line if isinstance(argument, ir.Name) else argument.line
            yield rule.no(
                f"The callback object made at line {line} has no owner after this function; the library keeps its address.",
                Location.lines(unit.path, call.line),
                context=function.name,
            )
        elif isinstance(argument, ir.Name) and argument.name in made:
            yield rule.yes("The callback is kept for as long as it is registered", Location.lines(unit.path, made[argument.name].line), context=function.name)


def _names(expression: ir.Expression) -> Iterator[str]:
    stack = [expression]
    while stack:
        current = stack.pop()
        if isinstance(current, ir.Name):
            yield current.name
        stack.extend(children(current))


RULE: Final = Rule(
    id="callback-kept",
    code="LS-416-callback-collected",
    question="Is a callback kept alive for as long as the library may call it?",
    practice=Practice.LIFECYCLE,
    cwe=416,
    severity=Severity.HIGH,
    languages=PYTHON,
    why="Python frees the callback object when nobody refers to it; the library still holds its address and calls "
    "freed memory.",
    fix="Store it for as long as it is registered.",
    bad="def watch(lib):\n    lib.set_handler(HANDLER(on_event))\n",
    good="def watch(self):\n    self._handler = HANDLER(on_event)\n    self.lib.set_handler(self._handler)\n",
    references=("https://cwe.mitre.org/data/definitions/416.html", "https://docs.python.org/3/library/ctypes.html#callback-functions"),
    answer=_answer,
)
