"""Python: lengths that foreign code gives, and that are negative when it failed, cut a buffer untested.

``buffer[:-1]`` is everything but the last byte: what is handed on after a failure is what the buffer happened to hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.core.claims import Claim, Location
from loadstone.review import ir
from loadstone.review.analyses.bindings import ForeignResult
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.guards import simple
from loadstone.review.analyses.state import Spot
from loadstone.review.analyses.travel import Visit
from loadstone.review.analyses.travel.checks import spelled
from loadstone.review.analyses.words import uncast
from loadstone.review.rules.buffer_sizes import BUFFERS, assigned, is_limited
from loadstone.review.rules.places import step
from loadstone.review.rules.rule import Rule
from loadstone.review.walk import parts_of, statements

__all__ = ["negative_lengths"]

_ASKS: Final = frozenset({"&&", "||", "?:", "!", "<", "<=", ">", ">=", "==", "!="})


def negative_lengths(rule: Rule, facts: Facts) -> Iterator[Claim]:
    """The buffers of a program that are cut at a length nobody asked about."""
    for call, visit in facts.travels.calls.values():
        statement = visit.statement
        filled = _filled(visit, call)
        if not filled or ".errcheck" in visit.unit.text or not _may_be_negative(facts, visit, call):
            continue
        stored = isinstance(statement, ir.Assign) and uncast(statement.value) is call
        name = spelled(statement.target) if stored and isinstance(statement, ir.Assign) else ""
        if name and not is_limited(visit.function, {name}) and not _is_asked(visit.function, name):
            line = _cut(visit.function, filled, name, call.line)
            if line:
                yield rule.no(
                    f"{name} is what {simple(call.name)} gave, below 0 when it failed, and cuts a buffer untested.",
                    Location.lines(visit.unit.path, line),
                    cwe=252,
                    fix="Test the length before the buffer is cut.",
                    why=(
                        step(Spot(visit.unit.path, call.line, visit.function.name), "a length or an error", "call"),
                        step(Spot(visit.unit.path, line, visit.function.name), "taken for a length", "use"),
                    ),
                    context=visit.function.name,
                )


def _filled(visit: Visit, call: ir.Call) -> set[str]:
    """The buffers of the function that a call is handed."""
    names = {name for argument in call.arguments if (name := spelled(argument))}
    made = {name: assigned(visit.function, name) for name in names}
    return {name for name, value in made.items() if isinstance(value, ir.Call) and value.name in BUFFERS}


def _may_be_negative(facts: Facts, visit: Visit, call: ir.Call) -> bool:
    """A foreign function whose result has a sign, or a callable that the function was given with a buffer to fill."""
    prototype = facts.bindings[visit.unit.path].prototype(call, visit.function.owner)
    if prototype is not None:
        return prototype.result is ForeignResult.SIGNED
    given = isinstance(call.function, ir.Name) and call.function.name in {p.name for p in visit.function.parameters}
    return given and "ssize_t" in visit.unit.text


def _is_asked(function: ir.Function, name: str) -> bool:
    """Whether something decides by a variable, or brings it into bounds."""
    for statement in statements(function.body.body):
        for part in parts_of(statement):
            match part:
                case ir.Operation(operator=operator, operands=operands) if operator in _ASKS:
                    found = any(spelled(operand) == name for operand in operands)
                case ir.Call(arguments=arguments):
                    buffers = simple(part.name) in {"string_at", "wstring_at"} or simple(part.name) in BUFFERS
                    found = not buffers and any(spelled(argument) == name for argument in arguments)
                case _:
                    found = False
            if found:
                return True
    return False


def _cut(function: ir.Function, buffers: set[str], length: str, since: int) -> int:
    """The line of ``buffer.raw[:length]``, ``string_at(buffer, length)``; 0 where there is none."""
    for statement in statements(function.body.body):
        for part in parts_of(statement):
            match part:
                case ir.Item(base=base, index=ir.Display(keys=keys, items=items)):
                    bounds = dict(zip(keys, items, strict=False))
                    of = spelled(base).removesuffix(".raw")
                    if of in buffers and spelled(bounds.get("upper")) == length and part.line >= since:
                        return part.line
                case ir.Call(name="ctypes.string_at", arguments=(base, given)):
                    if spelled(base) in buffers and spelled(given) == length:
                        return part.line
    return 0
