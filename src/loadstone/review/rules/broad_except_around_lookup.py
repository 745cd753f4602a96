"""Does the test for a missing symbol catch only that? A call inside the try hides the library's own failures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location, Severity
from loadstone.core.counting import Share
from loadstone.core.practices import Practice
from loadstone.review import ir
from loadstone.review.analyses import Facts
from loadstone.review.analyses.foreign import is_foreign, symbol_of
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import calls, expressions, statements

__all__ = ["RULE"]


def _looks_up(statement: ir.Statement) -> bool:
    """Whether the statement binds a symbol of a library without calling it."""
    return (
        isinstance(statement, ir.Assign)
        and symbol_of(statement.type) is not None
        and not (isinstance(statement.value, ir.Call) and is_foreign(statement.value))
    )


def _may_miss(call: ir.Call) -> bool:
    """Whether working out what is handed over may itself raise AttributeError; a foreign function never does."""
    return any(isinstance(p, ir.Member | ir.Call) for argument in call.arguments for p in expressions(argument))


def _answer(rule: Rule, facts: Facts) -> Iterator[Claim]:
    for unit in facts.program.units:
        if unit.language is not ir.Language.PYTHON:
            continue
        narrow: list[Location] = []
        wide = 0
        for function in unit.functions:
            for statement in statements(function.body.body):
                if not isinstance(statement, ir.Try):
                    continue
                if not any("AttributeError" in handler.catches for handler in statement.handlers):
                    continue
                place = Location.lines(unit.path, statement.line, statement.body.end_line)
                called = next((c for c in calls(statement.body.body) if is_foreign(c) and _may_miss(c)), None)
                if called is not None:
                    wide += 1
                    message = f"{symbol_of(called.name)} is called inside the try that tests whether it exists"
                    yield rule.no(message, Location.lines(unit.path, called.line), context=function.name)
                elif any(_looks_up(inner) for inner in statement.body.body):
                    narrow.append(place)
        if narrow:
            yield rule.yes(_NARROW, narrow[0], met=len(narrow), sites=len(narrow) + wide, places=tuple(narrow[1:]))


_NARROW: Final = Share(
    "test for a symbol", "holds nothing but the lookup", "hold nothing but the lookup", "tests for a symbol"
)

RULE: Final = Rule(
    id="broad-except-around-lookup",
    question="Does the test for a missing symbol hold nothing but the lookup?",
    practice=Practice.ERROR_HANDLING,
    cwe=395,
    severity=Severity.LOW,
    languages=(ir.Language.PYTHON,),
    why="An AttributeError from inside the call, or from its arguments, is then taken for a missing symbol.",
    fix="Look the symbol up inside the try, and call it after.",
    bad="try:\n    version = lib.get_version(self.context)\nexcept AttributeError:\n    version = 0\n",
    good=(
        "try:\n    get_version = lib.get_version\nexcept AttributeError:\n    get_version = None\n"
        "version = get_version(self.context) if get_version else 0\n"
    ),
    references=("https://cwe.mitre.org/data/definitions/395.html",),
    answer=_answer,
)
