"""Going through the representation: every expression of a statement, every statement of a function, in source order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from loadstone.review import ir

__all__ = ["blocks", "calls", "children", "expressions", "statements", "tops"]


def children(node: ir.Expression) -> tuple[ir.Expression, ...]:
    """The parts of an expression, in the order they are evaluated; a closure's body is not one of them."""
    match node:
        case ir.Member():
            return (node.base,)
        case ir.Item():
            return node.base, node.index
        case ir.Call():
            given = (*node.arguments, *(value for _, value in node.keywords))
            return (node.function, *given)
        case ir.Operation():
            return node.operands
        case ir.Cast():
            return (node.operand,)
        case ir.Display():
            return node.items
        case ir.Store():
            return node.value, node.target
        case _:
            return ()


def expressions(node: ir.Expression | None) -> Iterator[ir.Expression]:
    """The expression and everything in it, outermost first."""
    stack = [] if node is None else [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))


def tops(statement: ir.Statement) -> tuple[ir.Expression, ...]:
    """The expressions a statement holds itself, its blocks left out."""
    match statement:
        case ir.Evaluate():
            return (statement.expression,)
        case ir.Assign():
            return (statement.target,) if statement.value is None else (statement.value, statement.target)
        case ir.If():
            return (statement.condition,)
        case ir.Loop():
            head = () if statement.condition is None else (statement.condition,)
            each = () if statement.each is None else (statement.each[1], statement.each[0])
            return (*each, *head, *statement.step)
        case ir.Switch():
            return (statement.subject, *(value for case in statement.cases for value in case.values))
        case ir.Return() | ir.Raise():
            return () if statement.value is None else (statement.value,)
        case ir.With():
            return tuple(e for pair in statement.items for e in pair if e is not None)
        case _:
            return ()


def blocks(statement: ir.Statement) -> tuple[ir.Block, ...]:
    """The blocks inside a statement, in source order."""
    match statement:
        case ir.Block():
            return (statement,)
        case ir.If():
            return (statement.then,) if statement.otherwise is None else (statement.then, statement.otherwise)
        case ir.Loop():
            return (statement.body,) if statement.otherwise is None else (statement.body, statement.otherwise)
        case ir.Switch():
            return tuple(case.body for case in statement.cases)
        case ir.Try():
            parts = (statement.body, *(h.body for h in statement.handlers), statement.otherwise, statement.final)
            return tuple(part for part in parts if part is not None)
        case ir.With():
            return (statement.body,)
        case _:
            return ()


def statements(body: Iterable[ir.Statement]) -> Iterator[ir.Statement]:
    """Every statement, those in blocks after the one that holds them."""
    stack = [*body][::-1]
    while stack:
        statement = stack.pop()
        yield statement
        for block in reversed(blocks(statement)):
            stack.extend(reversed(block.body))


def calls(body: Iterable[ir.Statement]) -> Iterator[ir.Call]:
    """Every call in these statements."""
    for statement in statements(body):
        for top in tops(statement):
            for node in expressions(top):
                if isinstance(node, ir.Call):
                    yield node
