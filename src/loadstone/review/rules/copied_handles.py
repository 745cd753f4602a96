"""Handles that two members or two entries of a table hold, each of which is closed."""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.facts import Facts
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement
from loadstone.review.analyses.words import place_named, uncast
from loadstone.review.apis import ApiRole
from loadstone.review.rules.lookups import plays
from loadstone.review.walk import expressions

__all__ = ["CopiedHandle", "copied_handles"]


@dataclass(frozen=True, slots=True)
class CopiedHandle:
    """Two names of one handle, where one was copied to the other, and where both are closed."""

    function: ir.Function
    one: str
    other: str
    copied: int
    copier: str
    first: int
    again: int


def copied_handles(facts: Facts, unit: ir.Unit) -> Iterator[CopiedHandle]:
    """The handles of a file that are copied within one struct or table and closed under both names."""
    closing = {f: [*_closed(facts, f)] for f in unit.functions}
    if not any(closing.values()):
        return
    for copier in unit.functions:
        for target, source, line in _copies(copier):
            for function, closed in closing.items():
                if "[]" in place_named(target):
                    yield from _in_table(copier, target, source, line, function, closed)
                else:
                    yield from _in_struct(copier, target, source, line, function, closed)


def _in_struct(
    copier: ir.Function,
    target: ir.Expression,
    source: ir.Expression,
    line: int,
    function: ir.Function,
    closed: list[tuple[ir.Call, ir.Expression]],
) -> Iterator[CopiedHandle]:
    """``c->second = c->first``, and a function closes both and asks only whether each is there."""
    if not isinstance(target, ir.Member) or not isinstance(source, ir.Member):
        return
    names = {target.name, source.name}
    if target.name == source.name or any(
        names <= set(_members(c)) for f in (copier, function) for c in _comparisons(f)
    ):
        return
    mine = {a.name: (c, a) for c, a in closed if isinstance(a, ir.Member) and a.name in names}
    if len(mine) < len(names) or len({place_named(a.base) for _, a in mine.values()}) != 1:
        return
    calls = sorted((c for c, _ in mine.values()), key=lambda c: c.line)
    if all(_asked_for(function, call) <= {name} for name, (call, _) in mine.items()):
        yield CopiedHandle(function, source.name, target.name, line, copier.name, calls[0].line, calls[-1].line)


def _in_table(
    copier: ir.Function,
    target: ir.Expression,
    source: ir.Expression,
    line: int,
    function: ir.Function,
    closed: list[tuple[ir.Call, ir.Expression]],
) -> Iterator[CopiedHandle]:
    """``table[to] = table[from]``, and a loop closes every entry. An entry that is moved leaves null behind."""
    name = place_named(target)
    stored = [s for s in every_statement(copier.body) if isinstance(s, ir.Assign) and place_named(s.target) == name]
    loops = [s for s in every_statement(copier.body) if isinstance(s, ir.Loop)]
    is_shift = any(s in stored for loop in loops for s in every_statement(loop.body))
    if name != place_named(source) or len(stored) != 1 or is_shift or _lowers_a_count(copier):
        return
    for loop in (s for s in every_statement(function.body) if isinstance(s, ir.Loop)):
        inside = {id(c) for c in calls_in(loop.body)}
        for call, argument in closed:
            if id(call) in inside and place_named(argument) == name and _asked_for(function, call) <= {_last(name)}:
                shown = name.replace("[]", "[...]")
                yield CopiedHandle(function, shown, shown, line, copier.name, call.line, call.line)


def _last(name: str) -> str:
    return name.rpartition(".")[2].removesuffix("[]")


def _copies(function: ir.Function) -> Iterator[tuple[ir.Expression, ir.Expression, int]]:
    """Stores of a member to another member of the same struct, and of an element to another of the same array."""
    for statement in every_statement(function.body):
        if not isinstance(statement, ir.Assign) or statement.operator or statement.declares:
            continue
        target, source = uncast(statement.target), uncast(statement.value)
        if isinstance(target, ir.Member) and isinstance(source, ir.Member):
            if place_named(target.base) == place_named(source.base) != "":
                yield target, source, statement.line
        elif isinstance(target, ir.Item) and isinstance(source, ir.Item):
            yield target, source, statement.line


def _closed(facts: Facts, function: ir.Function) -> Iterator[tuple[ir.Call, ir.Expression]]:
    for call in calls_in(function.body):
        if call.arguments and plays(facts, call, ApiRole.UNLOAD):
            yield call, uncast(call.arguments[0])


def _comparisons(function: ir.Function) -> Iterator[ir.Operation]:
    for part in every_expression(function.body):
        if isinstance(part, ir.Operation) and part.operator in {"==", "!="}:
            yield part


def _members(expression: ir.Expression) -> Iterator[str]:
    return (e.name for e in expressions(expression) if isinstance(e, ir.Member))


def _asked_for(function: ir.Function, call: ir.Call) -> set[str]:
    """The members and variables that decide whether a call is made, indexes and the structs they are in aside."""
    found = set()
    for statement in every_statement(function.body):
        if isinstance(statement, ir.If) and any(c is call for c in calls_in(statement.then)):
            found |= {_last(place_named(e)) for e in _asked(statement.condition)}
    return found - {""}


def _asked(condition: ir.Expression) -> Iterator[ir.Expression]:
    bare = uncast(condition)
    if isinstance(bare, ir.Operation) and bare.operator not in {"deref", "address"}:
        for operand in bare.operands:
            yield from _asked(operand)
    else:
        yield bare


def _lowers_a_count(function: ir.Function) -> bool:
    """Whether a function takes from a number: ``table[i] = table[--count]``."""
    changed = (e for e in every_expression(function.body) if isinstance(e, ir.AssignmentExpression))
    return any(e.operator == "-" for e in changed) or any(
        isinstance(s, ir.Assign) and s.operator == "-" for s in every_statement(function.body)
    )
