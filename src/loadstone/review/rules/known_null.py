"""Pointers used where the program itself has just found them null, or before it asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import every_expression, every_statement, stores_in
from loadstone.review.analyses.words import place_named, uncast
from loadstone.review.rules.reads_through import read_by
from loadstone.review.walk import blocks, children, expressions, parts_of, tops

__all__ = ["KnownNull", "known_nulls"]

_RELEASES: Final = frozenset({"dlclose", "FreeLibrary", "fclose", "closedir", "pclose"})
"""Functions that read what they are to release, whatever it is. Source: their manual pages."""


@dataclass(frozen=True, slots=True)
class KnownNull:
    """A pointer, the line where it is asked, and the line that uses it; ``after``: it is asked after the use."""

    function: ir.Function
    name: str
    asked: int
    used: int
    after: bool = False


def known_nulls(function: ir.Function) -> Iterator[KnownNull]:
    """The pointers of a function that are read through though a condition says that they are null, or may be."""
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If):
            for name in _null_where(statement.condition, holds=True):
                yield from _used_in(function, statement, name, statement.then)
            for name in _null_where(statement.condition, holds=False):
                if statement.otherwise is not None:
                    yield from _used_in(function, statement, name, statement.otherwise)
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation) and part.operator in {"&&", "||"}:
            first, second = part.operands
            names = _null_where(first, holds=part.operator == "&&")
            used = next((n for n in names if _reads(second, n)), None)
            if used is not None:
                yield KnownNull(function, used, part.line, second.line)
    yield from _asked_late(function)


def _null_where(condition: ir.Expression, *, holds: bool) -> frozenset[str]:
    """The places that are null where a condition holds, or does not."""
    bare = uncast(condition)
    if isinstance(bare, ir.Operation) and bare.operator == "!":
        inner = uncast(bare.operands[0])
        return _place(inner) if holds and _is_place(inner) else _null_where(inner, holds=not holds)
    if isinstance(bare, ir.Operation) and bare.operator == ("&&" if holds else "||"):
        return frozenset().union(*(_null_where(operand, holds=holds) for operand in bare.operands))
    if isinstance(bare, ir.Operation) and bare.operator == ("==" if holds else "!=") and len(bare.operands) == 2:
        for one, other in (bare.operands, bare.operands[::-1]):
            null = uncast(other)
            if isinstance(null, ir.Literal) and null.value is None and _is_place(uncast(one)):
                return _place(one)
    return _place(bare) if not holds and _is_place(bare) else frozenset()


def _is_place(expression: ir.Expression) -> bool:
    return isinstance(expression, ir.Name) or (isinstance(expression, ir.Member) and _is_place(uncast(expression.base)))


def _place(expression: ir.Expression) -> frozenset[str]:
    return frozenset({place_named(expression)} - {""})


def _used_in(function: ir.Function, asking: ir.If, name: str, block: ir.Block) -> Iterator[KnownNull]:
    """The first use in a block, as long as nothing before it may have given the place another value."""
    for statement in block.body:
        if any(place_named(s.target) == name for s in stores_in(ir.Block(0, 0, (statement,)))):
            return
        for top in tops(statement):
            if _reads(top, name):
                yield KnownNull(function, name, asking.line, top.line)
                return
        if blocks(statement) or any(_may_set(e, name) for top in tops(statement) for e in expressions(top)):
            return


def _may_set(part: ir.Expression, name: str) -> bool:
    """Whether a call may give a place another value: it is handed its address, or what holds it."""
    if not isinstance(part, ir.Call):
        return False
    given = [a for a in part.arguments if isinstance(uncast(a), ir.Operation)]
    if any(place_named(a) == name for a in given):
        return True
    if any(isinstance(uncast(a), ir.Name) and place_named(a) == name for a in part.arguments):
        return True  # by reference, or as what is a macro: ``NEW(list, struct list *)``
    owner = name.rpartition(".")[0]
    return "." in name and (part.receiver is not None or any(place_named(a) == owner for a in part.arguments))


def _reads(part: ir.Expression, name: str) -> bool:
    """Whether an expression reads through a place, whatever else is asked in it."""
    bare = uncast(part)
    if isinstance(bare, ir.Operation) and bare.operator in {"&&", "||", "?:"}:
        return _reads(bare.operands[0], name)  # the others may not be come to
    if isinstance(bare, ir.Operation) and bare.operator in {"sizeof", "alignof", "address", "typeof"}:
        return False
    if isinstance(bare, ir.Closure):
        return False
    through = any(_is_place(uncast(p)) and place_named(p) == name for p in _pointers(bare))
    return through or any(_reads(child, name) for child in children(bare))


def _pointers(part: ir.Expression) -> Iterable[ir.Expression]:
    yield from read_by(part)
    if isinstance(part, ir.Call) and part.name in _RELEASES:
        yield from part.arguments[:1]
    if isinstance(part, ir.Call) and part.receiver is None:
        yield part.function


def _asked_late(function: ir.Function) -> Iterator[KnownNull]:
    """``rc = m->start(); if (m == NULL) return -1;``: where it is null, the program never gets to ask."""
    own = {p.name for p in function.parameters if "*" in p.type} | {
        s.target.name
        for s in every_statement(function.body)
        if isinstance(s, ir.Assign) and s.declares and "*" in s.type and isinstance(s.target, ir.Name)
    }
    read: dict[str, int] = {}
    for statement in function.body.body:
        if isinstance(statement, ir.If):
            for name in _null_where(_first(statement.condition), holds=True) & read.keys():
                if _leaves(statement.then):
                    yield KnownNull(function, name, statement.line, read[name], after=True)
        for store in stores_in(ir.Block(0, 0, (statement,))):
            read.pop(place_named(store.target), None)
        if isinstance(statement, ir.Assign | ir.Evaluate):
            for name in (own - read.keys()) & {
                p.name for p in parts_of(statement) if isinstance(p, ir.Name | ir.Member)
            }:
                if any(_reads(top, name) for top in tops(statement)) and not _stores_to(statement, name):
                    read[name] = statement.line
        elif isinstance(statement, ir.Label):
            read.clear()
        for part in (e for top in tops(statement) for e in expressions(top)):
            if isinstance(part, ir.Operation) and part.operator == "address":
                read.pop(place_named(part), None)


def _first(condition: ir.Expression) -> ir.Expression:
    """What a condition asks first: ``!p`` of ``!p || p->size == 0``."""
    bare = uncast(condition)
    return _first(bare.operands[0]) if isinstance(bare, ir.Operation) and bare.operator == "||" else bare


def _leaves(block: ir.Block) -> bool:
    return bool(block.body) and isinstance(block.body[-1], ir.Return | ir.Raise)


def _stores_to(statement: ir.Statement, name: str) -> bool:
    return isinstance(statement, ir.Assign) and place_named(statement.target) == name
