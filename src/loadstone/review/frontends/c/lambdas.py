"""Lambdas as functions of their own: their statements are followed like any other function's.

What calls a lambda is seldom in the text: a thread, a server, a signal. So it is one more function that somebody calls
with values nobody knows. The variables around it that it mentions come in as further parameters, behind its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import replace
from loadstone.review import ir
from loadstone.review.walk import parts, statements

__all__ = ["LAMBDA", "lambda_name", "lifted"]

LAMBDA: Final = "lambda"
"""The mark of a function that the text writes as a lambda."""


def lambda_name(outer: str) -> str:
    """What the lambdas of a function are called."""
    return f"{outer}::<lambda>"


def lifted(function: ir.Function) -> Iterator[ir.Function]:
    """The lambdas in a function, those inside of lambdas too, each behind the one it is in."""
    around = [*function.parameters, *_declared(function)]
    for part in parts(function.body.body):
        if isinstance(part, ir.Closure) and LAMBDA in part.function.marks:
            made = _standing_alone(part.function, function, around)
            yield made
            yield from lifted(made)


def _standing_alone(made: ir.Function, outer: ir.Function, around: list[ir.Parameter]) -> ir.Function:
    own = {p.name for p in (*made.parameters, *_declared(made))}
    mentioned = {p.name for p in _mentions(made.body)} - own
    taken = {p.name: p for p in around if p.name in mentioned}
    return replace(
        made,
        name=lambda_name(outer.name),
        parameters=(*made.parameters, *taken.values()),
        owner=outer.owner,
        condition=outer.condition,
    )


def _mentions(body: ir.Block) -> Iterator[ir.Name]:
    for part in parts(body.body):
        if isinstance(part, ir.Name):
            yield part
        elif isinstance(part, ir.Closure):
            yield from _mentions(part.function.body)


def _declared(function: ir.Function) -> Iterator[ir.Parameter]:
    """The variables of a function, as what they are to a lambda in it: values that come from outside."""
    for statement in statements(function.body.body):
        match statement:
            case ir.Assign(target=ir.Name(name=name), type=spelled, declares=True, static=False):
                yield ir.Parameter(statement.line, name, spelled)
            case ir.Loop(each=(ir.Name(name=name), _), type=spelled):
                yield ir.Parameter(statement.line, name, spelled)
