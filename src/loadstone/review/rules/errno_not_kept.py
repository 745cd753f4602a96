"""Is the error number that is read the one the foreign call left?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.late_error_numbers import late_numbers, stale_numbers
from loadstone.review.rules.places import NATIVE
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, statements

__all__ = ["RULE"]

_KEPT_BY: Final = {"ctypes.get_errno": "use_errno", "ctypes.get_last_error": "use_last_error"}
"""What reads the private copy of an error number, and the argument without which ctypes never makes that copy."""

_OPENS: Final = frozenset({"CDLL", "WinDLL", "OleDLL", "PyDLL", "LoadLibrary"})


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in (u for u in facts.program.units if u.language in NATIVE):
        for function in unit.functions:
            yield from _native(rule, unit, function)
    units = [unit for unit in facts.program.units if unit.language is ir.Language.PYTHON]
    for unit in (u for u in units if any(simple(name) in u.text for name in _KEPT_BY)):
        every = [(function, call) for function in unit.functions for call in calls(function.body.body)]
        opened = [call for _, call in every if call.name.startswith("ctypes.") and simple(call.name) in _OPENS]
        for reader, argument in _KEPT_BY.items():
            reads = [(function, call) for function, call in every if call.name == reader]
            if not reads or not opened or any("**" in dict(call.keywords) for call in opened):
                continue  # a library that another file opens may keep the number
            if argument in unit.text:
                without = [*_without(unit, argument)]
                for function, call in reads:
                    yield from _late(rule, facts, unit, function, call)
                    yield from _of_other(rule, unit, function, call, without, argument)
                yield rule.yes(
                    f"{argument} keeps the error number of a call until {simple(reader)} reads it",
                    Location.lines(unit.path, reads[0][1].line),
                    met=len(reads),
                    sites=len(reads),
                )
                continue
            for function, call in reads:
                yield rule.no(
                    f"{simple(reader)} reads a copy that is only made with {argument}=True; nothing here asks for it.",
                    Location.lines(unit.path, call.line),
                    fix=f"Load with {argument}=True.",
                    context=function.name,
                )


def _without(unit: ir.Unit, argument: str) -> Iterator[str]:
    """The names of a file that only ever hold a library which was opened without such an argument."""
    given: dict[str, list[ir.Expression | None]] = {}
    for function in unit.functions:
        for statement in statements(function.body.body):
            if isinstance(statement, ir.Assign):
                given.setdefault(spelled(statement.target), []).append(uncast(statement.value))
    for name, values in given.items():
        opened = [
            v for v in values if isinstance(v, ir.Call) and v.name.startswith("ctypes.") and simple(v.name) in _OPENS
        ]
        if name and len(opened) == len(values) and not any({argument, "**"} & dict(v.keywords).keys() for v in opened):
            yield name


def _of_other(
    rule: Rule, unit: ir.Unit, function: ir.Function, read: ir.Call, without: list[str], argument: str
) -> Iterator[Claim]:
    """``if plain.mount(...) != 0: err = get_errno()``, where another library of the file keeps the number."""
    before = [call for call in calls(function.body.body) if call.line <= read.line and spelled(call.receiver)]
    last = next((call for call in reversed(before) if call.name.startswith("ctypes.")), None)
    if last is not None and last.line >= read.line - _NEAR and spelled(last.receiver) in without:
        yield rule.no(
            f"{simple(read.name)} reads a copy that is not made: {spelled(last.receiver)} has no {argument}.",
            Location.lines(unit.path, read.line),
            fix=f"Open {spelled(last.receiver)} with {argument}=True.",
            context=function.name,
        )


_NEAR: Final = 3
"""So many lines after a call its error number is read."""


def _native(rule: Rule, unit: ir.Unit, function: ir.Function) -> Iterator[Claim]:
    for late in late_numbers(function):
        yield rule.no(
            f"{late.reader} is read after {late.name} (line {late.between}), which may have left a number of its own.",
            Location.lines(unit.path, late.line),
            severity=Severity.LOW,
            fix="Keep the number in a variable in the first statement after the call that failed.",
            context=function.name,
            condition=function.condition,
        )
    for reader, line, call in stale_numbers(function):
        yield rule.no(
            f"{reader} alone is asked whether the call at line {call} failed; a call that works leaves it as it was.",
            Location.lines(unit.path, line),
            cwe=253,
            severity=Severity.LOW,
            fix="Test the result" if reader == "GetLastError" else "Set errno to 0 before the call.",
            context=function.name,
            condition=function.condition,
        )


def _late(rule: Rule, facts: Facts, unit: ir.Unit, function: ir.Function, read: ir.Call) -> Iterator[Claim]:
    """``if lib.solve(...): lib.log(...); err = get_errno()``: the number is by then the one of another call."""
    bindings = facts.bindings[unit.path]
    for statement in statements(function.body.body):
        if not isinstance(statement, ir.If) or not any(_is_foreign(c, function, bindings) for c in calls((statement,))):
            continue
        between: ir.Call | None = None
        for inner in statement.then.body:
            here = [*calls((inner,))]
            if between is not None and any(call is read for call in here):
                yield rule.no(
                    f"{simple(read.name)} comes after the call at line {between.line}, which leaves its own number.",
                    Location.lines(unit.path, read.line),
                    fix="Read the number in the statement after the call that failed.",
                    context=function.name,
                )
            if isinstance(inner, ir.Evaluate):
                between = next((call for call in here if _is_foreign(call, function, bindings)), between)


def _is_foreign(call: ir.Call, function: ir.Function, bindings: Bindings) -> bool:
    return bindings.symbol(call, function.owner) is not None


RULE: Final = Rule(
    id="errno-not-kept",
    question="Is the error number that is read the one the foreign call left?",
    practice=Practice.ERROR_HANDLING,
    cwe=391,
    severity=Severity.MEDIUM,
    languages=(ir.Language.PYTHON, *NATIVE),
    why=(
        "Between the foreign call and the next line the interpreter makes calls of its own, which change errno. ctypes "
        "keeps a private copy for those who ask for it when they load; for all others the copy stays 0, and a failure "
        "looks like success."
    ),
    fix="Load with use_errno=True (use_last_error=True on Windows).",
    bad='libc = ctypes.CDLL("libc.so.6")\nif libc.chroot(path) < 0:\n    raise OSError(ctypes.get_errno())\n',
    good=(
        'libc = ctypes.CDLL("libc.so.6", use_errno=True)\nif libc.chroot(path) < 0:\n'
        "    raise OSError(ctypes.get_errno())\n"
    ),
    references=(
        "https://docs.python.org/3/library/ctypes.html#ctypes.CDLL",
        "https://cwe.mitre.org/data/definitions/391.html",
    ),
    answer=_answer,
)
