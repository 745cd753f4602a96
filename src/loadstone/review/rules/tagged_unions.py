"""Members of a union that are used while its tag may still have several values.

A function is walked with, for each tag that something compares, the values it can still have: an abstract domain of
sets of enumerators, joined by union where branches meet, that only shrinks along a branch. A call or a read through
one member, under two values or more, is a use of the wrong member for one of them when the union has a member for each
value of the tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import uncast
from loadstone.review.walk import expressions, tops

__all__ = ["Confused", "confused_members"]

_ENUM: Final = re.compile(r"\benum\b(?:\s+(?:class|struct))?\s*\w*\s*(?::\s*\w+\s*)?\{([^{}]*)\}")
_UNION: Final = re.compile(r"\bunion\b\s*\w*\s*\{((?:[^{}]|\{[^{}]*\})*)\}\s*(\w*)\s*;")
_FIELD: Final = re.compile(r"(?:\(\s*\*\s*(\w+)\s*\)\s*\([^;]*\)|(\w+)\s*(?:\[[^\]]*\])?)\s*\Z")
_COMMENT: Final = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_NO_VALUE: Final = re.compile(
    r"(?i)(?:\A|_)(?:none|nil|null|empty|void|invalid|unknown|max|count|last|end|undefined|unset)(?:_|\Z)"
)
_HOW_MANY: Final = re.compile(r"(?i)(?:\A|_)num(?:_|\Z)")
"""A last name that counts the others; elsewhere it means a number."""
_SEVERAL: Final = 2

_Tags = dict[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Confused:
    """A use of a member: its name, the line, the tag and the values it may have there."""

    member: str
    line: int
    tag: str
    values: tuple[str, ...]


def confused_members(unit: ir.Unit) -> Iterator[tuple[ir.Function, Confused]]:
    """The uses of union members in a file while the tag may have several values."""
    text = _COMMENT.sub(" ", unit.text)
    kinds: dict[str, frozenset[str]] = {}
    for found in _ENUM.finditer(text):
        names = [w.split("=")[0].strip() for w in found[1].split(",")]
        names = names[:-1] if _HOW_MANY.search(names[-1]) else names
        values = frozenset(n for n in names if n.isidentifier() and not _NO_VALUE.search(n))
        kinds.update(dict.fromkeys(values, values))
    unions = [fields for found in _UNION.finditer(text) if len(fields := frozenset(_fields(found[1]))) >= _SEVERAL]
    if not kinds or not unions:
        return
    tags = {tag: kinds[name] for f in unit.functions for tag, name in _compared(f, kinds)}
    tables = {v.name for v in unit.variables}
    for function in unit.functions:
        walk = _Walk(kinds, unions)
        walk.block(function.body.body, {})
        walk.found += _of_every_entry(function, tags, unions, tables)
        yield from ((function, found) for found in dict.fromkeys(walk.found))


def _compared(function: ir.Function, kinds: dict[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    """The members that a function compares with enumerators, and one of those."""
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation) and part.operator in {"==", "!="}:
            for one, other in (part.operands, part.operands[::-1]):
                tag = uncast(one)
                if isinstance(tag, ir.Member) and (name := _enumerator(other)) in kinds:
                    yield tag.name, name


def _of_every_entry(
    function: ir.Function, tags: dict[str, frozenset[str]], unions: list[frozenset[str]], tables: set[str]
) -> Iterator[Confused]:
    """``for (i = 0; i < n; i++) all[i].to.run()``: a loop calls one member of every entry, whatever its tag.

    Asked where another function compares the tag and this one does not so much as name it.
    """
    named = {e.name for e in every_expression(function.body) if isinstance(e, ir.Member)}
    for loop in (s for s in every_statement(function.body) if isinstance(s, ir.Loop) and not named & tags.keys()):
        for call in calls_in(loop.body):
            member = uncast(call.function)
            fields = next((f for f in unions if isinstance(member, ir.Member) and member.name in f), frozenset[str]())
            base: ir.Expression = member
            while isinstance(base, ir.Member):
                base = uncast(base.base)
            is_entry = isinstance(base, ir.Item) and _enumerator(base.base) in tables
            tag = next((t for t, values in tags.items() if _SEVERAL <= len(values) <= len(fields)), "")
            if isinstance(member, ir.Member) and is_entry and tag:
                yield Confused(member.name, call.line, tag, tuple(sorted(tags[tag])))


def _fields(body: str) -> Iterator[str]:
    for declaration in re.sub(r"\{[^{}]*\}", " ", body).split(";"):
        found = _FIELD.search(declaration.strip())
        if found is not None:
            yield found[1] or found[2]


def _path(expression: ir.Expression) -> str:
    match uncast(expression):
        case ir.Name(name=name):
            return name
        case ir.Member(base=base, name=name):
            return f"{_path(base)}.{name}"
        case ir.Operation(operator="deref" | "address", operands=(operand,)):
            return _path(operand)
    return "?"


class _Walk:
    """One function, followed by its structure."""

    def __init__(self, kinds: dict[str, frozenset[str]], unions: list[frozenset[str]]) -> None:
        self.kinds = kinds
        self.unions = unions
        self.found: list[Confused] = []

    def block(self, body: tuple[ir.Statement, ...], tags: _Tags) -> _Tags | None:
        """The tags behind a block; None when no path gets there."""
        current: _Tags | None = dict(tags)
        for statement in body:
            if current is None:
                return None
            current = self._statement(statement, current)
        return current

    def _statement(self, statement: ir.Statement, tags: _Tags) -> _Tags | None:
        match statement:
            case ir.If(condition=condition, then=then, otherwise=otherwise):
                yes, no = self._test(condition, tags)
                return _met(self.block(then.body, yes), self.block(otherwise.body, no) if otherwise else no)
            case ir.Switch(subject=subject, cases=cases):
                return self._switch(subject, cases, tags)
            case ir.Loop(body=body, condition=condition):
                inside = self._test(condition, tags)[0] if condition is not None else tags
                self.block(body.body, inside)
                return tags
            case ir.Block(body=inner):
                return self.block(inner, tags)
            case ir.Return() | ir.Raise() | ir.Jump():
                self._uses(statement, tags)
                return None
            case ir.Assign(target=target):
                self._uses(statement, tags)
                changed = _path(target)
                return {tag: v for tag, v in tags.items() if tag != changed and not tag.startswith(f"{changed}.")}
        self._uses(statement, tags)
        return tags

    def _switch(self, subject: ir.Expression, cases: tuple[ir.Case, ...], tags: _Tags) -> _Tags | None:
        tag = _path(subject)
        named = {n for case in cases for value in case.values if (n := _enumerator(value)) in self.kinds}
        every = self.kinds[next(iter(sorted(named)))] if named else frozenset[str]()
        met: _Tags | None = None
        pending: frozenset[str] = frozenset()
        for case in cases:
            mine = frozenset(n for value in case.values if (n := _enumerator(value)))
            pending |= mine if case.values else every - named
            inside = {**tags, tag: pending} if named else tags
            met = _met(met, self.block(case.body.body, inside))
            if not case.falls_through:
                pending = frozenset()
        return _met(met, tags)

    def _test(self, condition: ir.Expression, tags: _Tags) -> tuple[_Tags, _Tags]:
        """The tags where a condition holds, and where it does not."""
        bare = uncast(condition)
        if isinstance(bare, ir.Operation) and bare.operator in {"&&", "||"}:
            yes, no = self._test(bare.operands[0], tags)
            if bare.operator == "&&":
                inner, other = self._test(bare.operands[1], yes)
                return inner, _met(no, other) or {}
            inner, other = self._test(bare.operands[1], no)
            return _met(yes, inner) or {}, other
        if isinstance(bare, ir.Operation) and bare.operator == "!":
            yes, no = self._test(bare.operands[0], tags)
            return no, yes
        if isinstance(bare, ir.Operation) and bare.operator in {"==", "!="}:
            one, two = bare.operands
            for tag, value in ((one, two), (two, one)):
                name = _enumerator(value)
                if name in self.kinds and isinstance(uncast(tag), ir.Member):
                    before = tags.get(_path(tag), self.kinds[name])
                    same, rest = {**tags, _path(tag): before & {name}}, {**tags, _path(tag): before - {name}}
                    return (same, rest) if bare.operator == "==" else (rest, same)
        self._look(bare, tags)
        return tags, tags

    def _uses(self, statement: ir.Statement, tags: _Tags) -> None:
        for top in tops(statement):
            self._look(top, tags)

    def _look(self, expression: ir.Expression, tags: _Tags) -> None:
        bare = uncast(expression)
        if isinstance(bare, ir.Operation) and bare.operator == "?:":
            yes, no = self._test(bare.operands[0], tags)
            for operand, inside in zip(bare.operands[1:], (yes, no), strict=False):
                self._judge_value(operand, inside)
                self._look(operand, inside)
            return
        for part in expressions(bare):
            used: list[ir.Expression] = []
            if isinstance(part, ir.Call):
                used = [part.function, *part.arguments]
            elif isinstance(part, ir.Member) and part.through:
                used = [part.base]
            elif isinstance(part, ir.Operation) and part.operator in {"deref", "<<"}:
                used = [*part.operands]
            for one in used:
                self._judge_value(one, tags)

    def _judge_value(self, value: ir.Expression, tags: _Tags) -> None:
        bare = uncast(value)
        if isinstance(bare, ir.Member):
            self._judge(bare, bare.line, tags)

    def _judge(self, member: ir.Member, line: int, tags: _Tags) -> None:
        fields = next((f for f in self.unions if member.name in f), None)
        start = _path(member.base)
        for tag, values in tags.items():
            owner = tag.rpartition(".")[0]
            mine = owner in {start, start.rpartition(".")[0]}
            if fields is None or not mine or len(values) < _SEVERAL:
                continue
            every = self.kinds[min(values)]
            if values < every and len(fields) >= len(every):
                self.found.append(Confused(member.name, line, tag, tuple(sorted(values))))


def _enumerator(expression: ir.Expression) -> str:
    bare = uncast(expression)
    return bare.name.rpartition("::")[2] if isinstance(bare, ir.Name) else ""


def _met(one: _Tags | None, two: _Tags | None) -> _Tags | None:
    """The join: a tag may have what it may have on either path; one that only one path asked about is unknown."""
    if one is None or two is None:
        return two if one is None else one
    return {tag: one[tag] | two[tag] for tag in one if tag in two}
