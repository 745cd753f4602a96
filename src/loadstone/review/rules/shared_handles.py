"""Python: a handle that is made when it is missing, and stays in its name after it was given back.

``if cls._pool is None: cls._pool = lib.pool_new()`` makes a handle once for all. A function that gives it back and
leaves the name as it is makes the next question say that it is there. What runs at the end of the process, or by the
collector, is asked no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.bindings import Bindings
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.collector_releases import at_exit, released_by
from loadstone.review.walk import calls, expressions, statements

__all__ = ["LeftHandle", "left_handles"]


@dataclass(frozen=True, slots=True)
class LeftHandle:
    """A handle that a function gives back and leaves: its name, where, and who asks whether it is there."""

    function: ir.Function
    name: str
    line: int
    maker: ir.Function
    asked: int


def left_handles(unit: ir.Unit, bindings: Bindings) -> Iterator[LeftHandle]:
    """The shared handles of a file that stay behind."""
    shared = {variable.name for variable in unit.variables}
    late = at_exit(unit)
    for function in unit.functions:
        if simple(function.name) == "__del__" or function.name in late or function.name == "<module>":
            continue
        for call in calls(function.body.body):
            name = released_by(call, bindings, function.owner)
            place = _place(function, name, shared)
            if not place or place in _set(unit, function):
                continue
            found = next(_makers(unit, function, place, shared), None)
            if found is not None:
                yield LeftHandle(function, name, call.line, *found)


def _place(function: ir.Function, name: str, shared: set[str]) -> tuple[str, str] | None:
    """The class and the attribute, or the variable of the file, that a name stands for; None for a local one."""
    whose, _, rest = name.rpartition(".")
    if whose in {"self", "cls"} and function.owner:
        return function.owner, rest
    if whose and "." not in whose and whose[:1].isupper():
        return whose, rest
    given = {p.name for p in function.parameters}
    local = {spelled(s.target) for s in statements(function.body.body) if isinstance(s, ir.Assign)} - function.globals
    return ("", name) if name in shared and name not in given | local else None


def _set(unit: ir.Unit, closing: ir.Function) -> set[tuple[str, str] | None]:
    """The places that a function sets, or a function that calls it."""
    shared = {variable.name for variable in unit.variables}
    return {
        _place(function, spelled(target), shared)
        for function in unit.functions
        if function is closing or any(simple(c.name) == simple(closing.name) for c in calls(function.body.body))
        for statement in statements(function.body.body)
        if isinstance(statement, ir.Assign) and not statement.operator
        for target in (statement.target.items if isinstance(statement.target, ir.Display) else (statement.target,))
    }


def _makers(
    unit: ir.Unit, closing: ir.Function, place: tuple[str, str], shared: set[str]
) -> Iterator[tuple[ir.Function, int]]:
    """Functions that make the handle when it is not there, and ask nothing that the closing one has noted."""
    noted = {spelled(s.target) for s in statements(closing.body.body) if isinstance(s, ir.Assign)}
    for function in unit.functions:
        if function is closing or simple(function.name) == "__init__":
            continue
        tests = [s for s in statements(function.body.body) if isinstance(s, ir.If)]
        if any(spelled(part) in noted for test in tests for part in expressions(test.condition)):
            continue
        for test in tests:
            asked = _missing(test.condition)
            makes = any(isinstance(s, ir.Assign) and spelled(s.target) == asked for s in statements(test.then.body))
            if asked and makes and _place(function, asked, shared) == place:
                yield function, test.line


def _missing(condition: ir.Expression) -> str:
    """``x`` of ``x is None`` and of ``not x``."""
    match uncast(condition):
        case ir.Operation(operator="==", operands=(asked, ir.Literal(value=None))):
            return spelled(asked)
        case ir.Operation(operator="!", operands=(asked,)):
            return spelled(asked)
    return ""
