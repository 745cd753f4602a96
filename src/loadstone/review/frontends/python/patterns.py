"""Patterns of a ``match`` statement: the values an arm stands for, and the variables it binds.

A variable is bound to the part of the subject that it stands for: ``case {"name": n}`` is ``n = subject["name"]``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TypeAlias

from loadstone.review import ir

__all__ = ["bound", "matched"]

_Read: TypeAlias = Callable[[ast.expr], ir.Expression]


def matched(read: _Read, pattern: ast.pattern) -> Iterator[ir.Expression]:
    """The values an arm stands for; none for one that takes anything."""
    match pattern:
        case ast.MatchValue():
            yield read(pattern.value)
        case ast.MatchSingleton():
            yield ir.Literal(pattern.lineno, pattern.value)
        case ast.MatchOr():
            for one in pattern.patterns:
                yield from matched(read, one)
        case ast.MatchAs(pattern=None):
            return
        case _:
            yield ir.Name(pattern.lineno, "<pattern>")


def bound(read: _Read, subject: ir.Expression, pattern: ast.pattern) -> Iterator[ir.Assign]:
    """The variables that a pattern binds, each with the part of the subject it gets."""
    line = pattern.lineno
    match pattern:
        case ast.MatchAs(pattern=inner, name=name):
            if inner is not None:
                yield from bound(read, subject, inner)
            yield from _named(line, name, subject)
        case ast.MatchStar(name=name):
            yield from _named(line, name, subject)
        case ast.MatchOr(patterns=patterns):
            for one in patterns:
                yield from bound(read, subject, one)
        case ast.MatchSequence(patterns=patterns):
            for position, one in enumerate(patterns):
                yield from bound(read, _element(line, subject, position), one)
        case ast.MatchMapping(keys=keys, patterns=patterns, rest=rest):
            for key, one in zip(keys, patterns, strict=True):
                yield from bound(read, ir.Item(line, subject, read(key)), one)
            yield from _named(line, rest, subject)
        case ast.MatchClass(patterns=patterns, kwd_attrs=names, kwd_patterns=named):
            for one in patterns:  # str(name): the subject itself, or a part of an object
                yield from bound(read, subject, one)
            for name, one in zip(names, named, strict=True):
                yield from bound(read, ir.Member(line, subject, name), one)


def _named(line: int, name: str | None, value: ir.Expression) -> Iterator[ir.Assign]:
    if name is not None:
        yield ir.Assign(line, ir.Name(line, name), value)


def _element(line: int, subject: ir.Expression, position: int) -> ir.Expression:
    if isinstance(subject, ir.Display) and not subject.keys and position < len(subject.items):
        return subject.items[position]
    return ir.Item(line, subject, ir.Literal(line, position))
