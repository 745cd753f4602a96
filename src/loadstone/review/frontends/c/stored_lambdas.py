"""Lambdas that a function keeps in a variable and only calls: their statements go where the calls are.

What a lambda does to the variables around it is then seen in the order in which it happens. A lambda stays what it was
where that would say something else: it is handed on or assigned anew, it returns in the middle, it has variables of
its own that the function has too, or it copied a variable that changes later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from loadstone.quick_dataclass import replace
from loadstone.review import ir

__all__ = ["KEPT", "OWN_COPIES", "in_place"]

KEPT: Final = re.compile(rb"=\s*\[")
"""What the text of a function has that keeps a lambda: the others are not walked."""

OWN_COPIES: Final = "own copies"
"""The mark of a lambda that holds copies of what is around it."""

_MOST_CALLS: Final = 16
_MOST_STATEMENTS: Final = 40


def in_place(body: ir.Block, parameters: tuple[ir.Parameter, ...]) -> ir.Block:
    """A function's body with its stored lambdas run where they are called."""
    for kept in [s for s in _nodes(body) if _keeps_lambda(s)]:
        if _is_plain(kept, body, parameters):
            body = _changed(body, kept, kept.value.function)
    return body


def _keeps_lambda(node: Any) -> bool:
    return (
        isinstance(node, ir.Assign)
        and node.declares
        and not node.static
        and isinstance(node.target, ir.Name)
        and isinstance(node.value, ir.Closure)
        and node.value.function.name == "<lambda>"
    )


def _nodes(node: Any) -> Iterator[Any]:
    """Everything of a tree, in the order of the text."""
    work = [node]
    while work:
        one = work.pop()
        if isinstance(one, tuple):
            work.extend(reversed(one))
        elif hasattr(one, "line"):
            yield one
            work.extend(getattr(one, name) for name in reversed(one.__slots__))


def _declared(nodes: Iterable[Any]) -> set[str]:
    return {n.target.name for n in nodes if isinstance(n, ir.Assign) and n.declares and isinstance(n.target, ir.Name)}


def _is_plain(kept: Any, body: ir.Block, parameters: tuple[ir.Parameter, ...]) -> bool:
    """Whether every mention of the lambda is a call that its statements can stand for."""
    name, made = kept.target.name, kept.value.function
    around = list(_nodes(body))
    inside = list(_nodes(made.body))
    within = set(map(id, inside))
    mentions = [n for n in around if isinstance(n, ir.Name) and n.name == name and n is not kept.target]
    runs = [n for n in _runs(body, name) if id(n) not in within]
    if not 0 < len(runs) <= _MOST_CALLS or len(mentions) != len(runs) or len(inside) > _MOST_STATEMENTS * 10:
        return False
    returns = [n for n in inside if isinstance(n, ir.Return)]
    last = made.body.body[-1] if made.body.body else None
    if any(isinstance(n, ir.Closure | ir.Label | ir.Gap) for n in inside) or any(n is not last for n in returns):
        return False
    calls = [c for c in map(_call_of, runs) if c is not None]
    if any(len(c.arguments) != len(made.parameters) or c.keywords for c in calls):
        return False
    names = {p.name for p in made.parameters}
    changed = {
        n.target.name
        for n in inside
        if isinstance(n, ir.Assign | ir.AssignmentExpression) and isinstance(n.target, ir.Name)
    }
    taken = {
        o.name
        for n in inside
        if isinstance(n, ir.Operation) and n.operator == "address"
        for o in n.operands
        if isinstance(o, ir.Name)
    }
    if names & (changed | taken) or not all(isinstance(a, ir.Name | ir.Literal) for c in calls for a in c.arguments):
        return False
    outside = [n for n in around if id(n) not in within]
    if _declared(inside) & (_declared(outside) | {p.name for p in parameters}):
        return False
    if OWN_COPIES in made.marks:
        mentioned = {n.name for n in inside if isinstance(n, ir.Name)} - names
        assigned = [
            n.target.name
            for n in around
            if isinstance(n, ir.Assign | ir.AssignmentExpression) and isinstance(n.target, ir.Name)
        ]
        return all(assigned.count(one) < 2 for one in mentioned)
    return True


def _runs(body: ir.Block, name: str) -> list[Any]:
    """The statements that are one call of the lambda: for its effect, for its result, or as the function's result."""
    return [n for n in _nodes(body) if _is_run(n, name)]


def _is_run(node: Any, name: str) -> bool:
    return isinstance(node, ir.Evaluate | ir.Assign | ir.Return) and _is_call(_call_of(node), name)


def _call_of(statement: Any) -> Any:
    return statement.expression if isinstance(statement, ir.Evaluate) else statement.value


def _is_call(expression: Any, name: str) -> bool:
    return (
        isinstance(expression, ir.Call)
        and isinstance(expression.function, ir.Name)
        and expression.function.name == name
    )


def _changed(body: ir.Block, kept: Any, made: ir.Function) -> Any:
    """The body without the variable, and with the statements of the lambda at its calls."""
    name = kept.target.name

    def node(one: Any) -> Any:
        if isinstance(one, tuple):
            return tuple(part for each in one for part in statement(each))
        if not hasattr(one, "line"):
            return one
        return type(one)(*(node(getattr(one, slot)) for slot in one.__slots__))

    def statement(one: Any) -> tuple[Any, ...]:
        if one is kept:
            return ()
        if _is_run(one, name):
            return _run(one, made)
        if isinstance(one, ir.Assign | ir.Evaluate) and not any(isinstance(n, ir.Block) for n in _nodes(one)):
            return (one,)
        return (node(one),)

    return node(body)


def _run(statement: Any, made: ir.Function) -> tuple[Any, ...]:
    """The statements of the lambda where ``statement`` calls it; its result goes where the call's result went."""
    call = _call_of(statement)
    given = {p.name: a for p, a in zip(made.parameters, call.arguments, strict=True)}
    body = [s for s in made.body.body if not _is_capture(s)]
    last: Any = body.pop() if body and isinstance(body[-1], ir.Return) else None
    inner = [_with(s, given) for s in body]
    result = _with(last.value, given) if last is not None and last.value is not None else None
    before: tuple[Any, ...] = ()
    match statement:
        case ir.Return():
            inner.append(replace(statement, value=result))
        case ir.Assign() if result is not None and not inner:
            return (replace(statement, value=result),)
        case ir.Assign() if result is not None:
            before = (replace(statement, value=None),) if statement.declares else ()
            inner.append(replace(statement, value=result, declares=False, type=""))
        case _ if result is not None:
            inner.append(ir.Evaluate(statement.line, result))
    return (*before, ir.Block(made.body.line, made.body.end_line, tuple(inner)))


def _is_capture(statement: Any) -> bool:
    return isinstance(statement, ir.Evaluate) and statement.discards and isinstance(statement.expression, ir.Name)


def _with(one: Any, given: dict[str, Any]) -> Any:
    """A copy of a tree in which the parameters are what the call gives."""
    if isinstance(one, tuple):
        return tuple(_with(part, given) for part in one)
    if not hasattr(one, "line"):
        return one
    if isinstance(one, ir.Name) and one.name in given:
        return given[one.name]
    return type(one)(*(_with(getattr(one, slot), given) for slot in one.__slots__))
