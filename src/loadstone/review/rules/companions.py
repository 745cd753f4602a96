"""Members that are set only when another one is known to be there: who tests such a member has tested the other too.

``if (!stop || !start) return fail(); watch = start();`` ... ``if (watch) stop(watch);``: ``watch`` has a value only
where ``stop`` had one. The path alone cannot tell, since ``watch`` may hold anything when the second function begins.
"""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.review import ir
from loadstone.review.analyses.facts import Facts, Site, Use
from loadstone.review.analyses.mentions import every_statement
from loadstone.review.analyses.words import uncast

__all__ = ["is_companioned"]


def is_companioned(facts: Facts, site: Site, use: Use) -> bool:
    """Whether a result is used in another function, inside a test of a member that is set only after it was tested."""
    if use.spot.function == site.spot.function or not site.tests:
        return False
    unit = next((u for u in facts.program.units if u.path == use.spot.path), None)
    function = next((f for f in unit.functions if f.name == use.spot.function), None) if unit is not None else None
    if unit is None or function is None or unit is not site.unit:
        return False
    tested = max(spot.line for spot in site.tests)
    given = [(f, line) for name in _asked_around(function, use.spot.line) for f, line in _givers(unit, name)]
    return bool(given) and all(f is site.function and line > tested for f, line in given)


def _asked_around(function: ir.Function, line: int) -> Iterator[str]:
    """The members that the conditions around a line require to be there."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If) and statement.then.line <= line <= statement.then.end_line:
            yield from _required(statement.condition)


def _required(condition: ir.Expression) -> Iterator[str]:
    bare = uncast(condition)
    match bare:
        case ir.Operation(operator="&&", operands=operands):
            for operand in operands:
                yield from _required(operand)
        case ir.Operation(operator="!=", operands=(one, ir.Literal(value=None))):
            yield from _required(one)
        case ir.Name(name=name) | ir.Member(name=name):
            yield name


def _givers(unit: ir.Unit, name: str) -> Iterator[tuple[ir.Function, int]]:
    """Where a member gets a value that is not null: the function and the line."""
    for function in unit.functions:
        for statement in every_statement(function.body):
            target = uncast(statement.target) if isinstance(statement, ir.Assign) else None
            value = uncast(statement.value) if isinstance(statement, ir.Assign) else None
            if isinstance(target, ir.Name | ir.Member) and target.name == name and not isinstance(value, ir.Literal):
                yield function, statement.line
