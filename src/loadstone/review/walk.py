"""Going through the representation: every expression of a statement, every statement of a function, in source order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeVar, cast

from loadstone.review import ir

__all__ = [
    "blocks",
    "calls",
    "children",
    "dotted",
    "expressions",
    "forget",
    "kept",
    "last_word",
    "parts",
    "parts_of",
    "statements",
    "tops",
    "uncast",
]

_REMEMBERED: Final = 1 << 17
"""Answers of one kind that are kept for the next question: more than a part of the source has statements."""

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., object])
_FORGETTING: Final[list[Callable[[], None]]] = []


def kept(function: _F) -> _F:
    """What a pure function gave for a part of the program is kept until :func:`forget`: many rules ask the same."""
    remembering = lru_cache(_REMEMBERED)(function)
    _FORGETTING.append(remembering.cache_clear)
    return cast("_F", remembering)


def _kept_of_body(function: Callable[[tuple[ir.Statement, ...]], _T]) -> Callable[[Iterable[ir.Statement]], _T]:
    """As :func:`kept`, of a pure function of statements: which ones they are is asked, for to hash them takes long."""
    remembered: dict[int, tuple[tuple[ir.Statement, ...], _T]] = {}
    _FORGETTING.append(remembered.clear)

    def found(body: Iterable[ir.Statement]) -> _T:
        if not isinstance(body, tuple):
            return function(tuple(body))
        key = id(body[0] if len(body) == 1 else body)  # ``(statement,)`` is made anew by whoever asks about one
        before = remembered.get(key)
        if before is None:
            if len(remembered) >= _REMEMBERED:
                remembered.clear()
            before = remembered[key] = body, function(body)  # while it is held, nothing else has its number
        return before[1]

    return found


def forget() -> None:
    """Let go of what was kept for programs that nobody asks about any more."""
    for clear in _FORGETTING:
        clear()


def children(node: ir.Expression) -> tuple[ir.Expression, ...]:
    """The parts of an expression, in the order they are evaluated; a closure's body is not one of them."""
    parts = _PARTS.get(type(node))
    return () if parts is None else parts(node)


def _parts_of_call(node: ir.Call) -> tuple[ir.Expression, ...]:
    if node.keywords:
        return (node.function, *node.arguments, *(value for _, value in node.keywords))
    return (node.function, *node.arguments)


_PARTS: Final[dict[type, Callable[[Any], tuple[ir.Expression, ...]]]] = {
    ir.Member: lambda node: (node.base,),
    ir.Item: lambda node: (node.base, node.index),
    ir.Call: _parts_of_call,
    ir.Operation: lambda node: node.operands,
    ir.Cast: lambda node: (node.operand,),
    ir.Display: lambda node: node.items,
    ir.AssignmentExpression: lambda node: (node.value, node.target),
}
"""By type: this runs for every expression of a program, many times."""


def expressions(node: ir.Expression | None) -> Iterator[ir.Expression]:
    """The expression and everything in it, outermost first."""
    if node is None:
        return iter(())
    return _with_parts(node) if type(node) in _PARTS else iter((node,))


def _with_parts(node: ir.Expression) -> Iterator[ir.Expression]:
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        parts = _PARTS.get(type(current))
        if parts is not None:
            stack.extend(parts(current)[::-1])


def tops(statement: ir.Statement) -> tuple[ir.Expression, ...]:
    """The expressions a statement holds itself, its blocks left out."""
    held = _TOPS.get(type(statement))
    return () if held is None else held(statement)


def _tops_of_loop(statement: ir.Loop) -> tuple[ir.Expression, ...]:
    head = () if statement.condition is None else (statement.condition,)
    each = () if statement.each is None else (statement.each[1], statement.each[0])
    return (*each, *head, *statement.step)


def _value_of(statement: ir.Return | ir.Raise) -> tuple[ir.Expression, ...]:
    return () if statement.value is None else (statement.value,)


_TOPS: Final[dict[type, Callable[[Any], tuple[ir.Expression, ...]]]] = {
    ir.Evaluate: lambda s: (s.expression,),
    ir.Assign: lambda s: (s.target,) if s.value is None else (s.value, s.target),
    ir.If: lambda s: (s.condition,),
    ir.Loop: _tops_of_loop,
    ir.Switch: lambda s: (s.subject, *(value for case in s.cases for value in case.values)),
    ir.Return: _value_of,
    ir.Raise: _value_of,
    ir.With: lambda s: tuple(e for pair in s.items for e in pair if e is not None),
}


@kept
def parts_of(statement: ir.Statement) -> tuple[ir.Expression, ...]:
    """Every expression a statement holds itself, each before its parts."""
    return tuple(part for top in tops(statement) for part in expressions(top))


def blocks(statement: ir.Statement) -> tuple[ir.Block, ...]:
    """The blocks inside a statement, in source order."""
    inner = _BLOCKS.get(type(statement))
    return () if inner is None else inner(statement)


def _blocks_of_try(statement: ir.Try) -> tuple[ir.Block, ...]:
    parts = (statement.body, *(h.body for h in statement.handlers), statement.otherwise, statement.final)
    return tuple(part for part in parts if part is not None)


_BLOCKS: Final[dict[type, Callable[[Any], tuple[ir.Block, ...]]]] = {
    ir.Block: lambda s: (s,),
    ir.If: lambda s: (s.then,) if s.otherwise is None else (s.then, s.otherwise),
    ir.Loop: lambda s: (s.body,) if s.otherwise is None else (s.body, s.otherwise),
    ir.Switch: lambda s: tuple(case.body for case in s.cases),
    ir.Try: _blocks_of_try,
    ir.With: lambda s: (s.body,),
}


def statements(body: Iterable[ir.Statement]) -> Iterator[ir.Statement]:
    """Every statement, those in blocks after the one that holds them."""
    return iter(_every(body))


@_kept_of_body
def _every(body: tuple[ir.Statement, ...]) -> tuple[ir.Statement, ...]:
    found = []
    stack = [*body][::-1]
    while stack:
        statement = stack.pop()
        found.append(statement)
        inner = _BLOCKS.get(type(statement))
        if inner is not None:
            for block in reversed(inner(statement)):
                stack.extend(block.body[::-1])
    return tuple(found)


def parts(body: Iterable[ir.Statement]) -> Iterator[ir.Expression]:
    """Every expression in these statements, each before its parts."""
    return iter(_every_part(body))


@_kept_of_body
def _every_part(body: tuple[ir.Statement, ...]) -> tuple[ir.Expression, ...]:
    return tuple(part for statement in _every(body) for part in parts_of(statement))


def calls(body: Iterable[ir.Statement]) -> Iterator[ir.Call]:
    """Every call in these statements."""
    return iter(_every_call(body))


@_kept_of_body
def _every_call(body: tuple[ir.Statement, ...]) -> tuple[ir.Call, ...]:
    return tuple(part for part in _every_part(body) if isinstance(part, ir.Call))


def dotted(target: ir.Expression) -> str:
    """``a.b.c`` as it is written; what is neither a name nor a member of one is left out: ``f().b`` is ``.b``."""
    names: list[str] = []
    while isinstance(target, ir.Member):
        names.append(target.name)
        target = target.base
    names.append(target.name if isinstance(target, ir.Name) else "")
    return ".".join(reversed(names))


def uncast(expression: ir.Expression | None) -> ir.Expression:
    """An expression without the casts around it; an unnamed operation when there is none."""
    while isinstance(expression, ir.Cast):
        expression = expression.operand
    return expression if expression is not None else ir.Operation(0, "?", ())


@lru_cache(1 << 13)
def last_word(name: str) -> str:
    """The part of a qualified name behind the last separator.

    >>> last_word("std::vector::push_back"), last_word("?.c_str")
    ('push_back', 'c_str')
    """
    return name.rpartition("::")[2].rpartition(".")[2]
