"""References, pointers and iterators into a container of C++ that changes before they are used again.

A vector that grows may move all of its elements; ``erase(it)`` ends ``it``. Two ways are seen: in one block, what was
taken from the container, a change of it that goes on, and a use; and over methods, a member that points at an element
of a vector of the same class, which another method lets grow. Source: C++ standard, [vector.capacity],
[vector.modifiers], [container.reqmts].
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from loadstone.quick_dataclass import dataclass
from loadstone.review import ir
from loadstone.review.analyses.mentions import calls_in, every_expression, every_statement, stores_in
from loadstone.review.analyses.words import last_word, place_named, uncast
from loadstone.review.rules.identities import NamesInSight, names_in_sight
from loadstone.review.rules.lookups import word
from loadstone.review.typenames import element, is_reference
from loadstone.review.walk import blocks, expressions, parts_of

__all__ = ["MovedElement", "moved_elements"]

_ROW: Final = re.compile(r"(?:const\s+)?(?:std::)?(?:vector|QVector|small_vector)\s*<")
_TAKES: Final = frozenset({"back", "front", "at", "emplace_back", "data", "begin", "end", "find", "first", "last"})
_SEARCHES: Final = frozenset({"find", "find_if", "lower_bound", "upper_bound", "remove_if", "max_element", "next"})
_MOVES: Final = frozenset(
    {"push_back", "emplace_back", "insert", "emplace", "resize", "assign", "clear", "erase", "append", "prepend"}
)
_GROWS: Final = frozenset({"push_back", "emplace_back", "insert", "emplace", "append"})


@dataclass(frozen=True, slots=True)
class MovedElement:
    """What leads into a container, where it was taken, where the container changes, and where it is used after that."""

    function: ir.Function
    name: str
    container: str
    taken: int
    changed: int
    used: int


def moved_elements(program: ir.Program, unit: ir.Unit) -> Iterator[MovedElement]:
    """What a file keeps of containers that have changed."""
    for function in unit.functions:
        scope = names_in_sight(program, unit, function)
        for block in (function.body, *(s for s in every_statement(function.body) if isinstance(s, ir.Block))):
            yield from _in_block(unit, function, scope, block.body)
        for loop in every_statement(function.body):
            if isinstance(loop, ir.Loop):
                yield from _stepped_on(function, loop)
    for one in unit.classes:
        yield from _kept_by_members(unit, one)


def _in_block(
    unit: ir.Unit, function: ir.Function, scope: NamesInSight, body: Sequence[ir.Statement]
) -> Iterator[MovedElement]:
    for position, statement in enumerate(body):
        if not isinstance(statement, ir.Assign) or not statement.declares or not isinstance(statement.target, ir.Name):
            continue
        row = _taken_from(statement, scope)
        if not row or _is_reserved(unit, row):
            continue
        name = statement.target.name
        changed = 0
        for later in body[position + 1 :]:
            if isinstance(later, ir.Assign) and word(later.target) == name:
                break
            used = next((e.line for e in _all_parts(later) if isinstance(e, ir.Name) and e.name == name), 0)
            if changed and used:
                yield MovedElement(function, name, row, statement.line, changed, used)
                break
            changed = changed or _changes(unit, function, later, row)


def _taken_from(statement: ir.Assign, scope: NamesInSight) -> str:
    """The vector that a reference, a pointer or an iterator is taken from; empty for others."""
    leads = is_reference(statement.type) or "*" in statement.type or statement.type.startswith("iterator<")
    value = uncast(statement.value)
    address = isinstance(value, ir.Operation) and value.operator == "address"
    bare = uncast(value.operands[0]) if isinstance(value, ir.Operation) and address else value
    held: ir.Expression | None = None
    if isinstance(bare, ir.Item):
        held = bare.base
    elif isinstance(bare, ir.Call) and bare.receiver is not None and last_word(bare.name) in _TAKES:
        held = bare.receiver
    elif isinstance(bare, ir.Call) and bare.arguments and last_word(bare.name) in _SEARCHES:
        first = uncast(bare.arguments[0])
        begins = isinstance(first, ir.Call) and last_word(first.name) in {"begin", "cbegin"}
        held = first.receiver if isinstance(first, ir.Call) and begins else None
        leads = held is not None and (leads or statement.type in {"auto", "const auto", bare.name})
    direct = isinstance(bare, ir.Call) and last_word(bare.name) in _SEARCHES | {"data", "begin", "end", "find"}
    plain = isinstance(uncast(held), ir.Name | ir.Member)
    if not leads or not plain or ("*" in statement.type and not (address or direct)):
        return ""
    return place_named(held) if _ROW.match(scope.type_of(uncast(held))) else ""


def _all_parts(statement: ir.Statement) -> Iterator[ir.Expression]:
    within = ir.Block(statement.line, statement.line, (statement,))
    for part in every_expression(within):
        yield part
        if isinstance(part, ir.Closure):
            yield from every_expression(part.function.body)


def _changes(unit: ir.Unit, function: ir.Function, statement: ir.Statement, row: str) -> int:
    """Where a statement moves the elements of a container and the function goes on; 0 where it does not."""
    within = ir.Block(statement.line, statement.line, (statement,))
    for call in calls_in(within):
        moves = last_word(call.name) in _MOVES and place_named(call.receiver) == row
        moves = moves or (call.receiver is None and "." not in row and _lets_grow(unit, function, call, row))
        if moves and not _leaves_after(within, call):
            return call.line
    return 0


def _lets_grow(unit: ir.Unit, function: ir.Function, call: ir.Call, row: str) -> bool:
    """Whether a method of the same class lets a member of it grow."""
    called = [
        f for f in unit.functions if f.owner and f.owner == function.owner and last_word(f.name) == last_word(call.name)
    ]
    return len(called) == 1 and any(_grown(called[0], row))


def _grown(function: ir.Function, row: str) -> Iterator[int]:
    """Where a function lets a member grow."""
    own = {p.name for p in function.parameters}
    return (
        c.line
        for c in calls_in(function.body)
        if last_word(c.name) in _GROWS and place_named(c.receiver) == row and row not in own
    )


def _leaves_after(block: ir.Block, call: ir.Call) -> bool:
    """Whether the innermost block that has a call is left behind it."""
    for statement in block.body:
        for inner in blocks(statement):
            if any(c is call for c in calls_in(inner)):
                return _leaves_after(inner, call)
    last = block.body[-1] if block.body else None
    return isinstance(last, ir.Return | ir.Raise | ir.Jump)


def _is_reserved(unit: ir.Unit, row: str) -> bool:
    """Whether something in a file sees to it that a container has room."""
    name = row.rpartition(".")[2]
    return any(
        last_word(c.name) == "reserve" and word(c.receiver) == name for f in unit.functions for c in calls_in(f.body)
    )


def _stepped_on(function: ir.Function, loop: ir.Loop) -> Iterator[MovedElement]:
    """``if (gone) table.erase(it); ++it;``: the step starts from an iterator that has ended."""
    ended: dict[str, tuple[str, int]] = {}
    for statement in loop.body.body:
        within = ir.Block(statement.line, statement.line, (statement,))
        for part in parts_of(statement) if not blocks(statement) else ():
            if isinstance(part, ir.AssignmentExpression) and part.operator and word(part.target) in ended:
                container, line = ended[word(part.target)]
                yield MovedElement(function, word(part.target), container, loop.line, line, part.line)
        if isinstance(statement, ir.Assign) and word(statement.target) in ended:
            name = word(statement.target)
            if statement.operator:
                yield MovedElement(function, name, ended[name][0], loop.line, ended[name][1], statement.line)
            ended.pop(name)
        kept = {id(e) for s in every_statement(within) if isinstance(s, ir.Assign) for e in expressions(s.value)}
        kept |= {
            id(e)
            for s in every_expression(within)
            if isinstance(s, ir.AssignmentExpression)
            for e in expressions(s.value)
        }
        for call in calls_in(within):
            bare = uncast(call.arguments[0]) if len(call.arguments) == 1 else None
            plain = isinstance(bare, ir.Name) and id(call) not in kept and call.receiver is not None
            if plain and last_word(call.name) == "erase" and not _leaves_after(within, call):
                ended[bare.name] = (place_named(call.receiver), call.line)  # type: ignore[union-attr]


def _kept_by_members(unit: ir.Unit, one: ir.Class) -> Iterator[MovedElement]:
    """``focus_ = &effect;`` beside ``std::vector<Effect> chain_``, which another method lets grow."""
    methods = [f for f in unit.functions if last_word(f.owner) == one.name]
    rows = {m.name: element(m.type).strip() for m in one.members if _ROW.match(m.type) and "*" not in element(m.type)}
    for member in (m for m in one.members if m.type.rstrip().endswith("*")):
        of = member.type.replace("const ", "").rstrip("* ").strip()
        for row in (r for r, held in rows.items() if held == of and not _is_reserved(unit, r)):
            growing = next(((f, line) for f in methods for line in _grown(f, row)), None)
            kept = next((line for f in methods if (line := _points(f, member.name, row, of, methods))), 0)
            if growing is None or not kept or last_word(growing[0].name) == one.name:
                continue
            if any(word(s.target) == member.name for s in stores_in(growing[0].body)):
                continue
            for method in methods:
                used = next((e.line for e in every_expression(method.body) if _reads(e, member.name)), 0)
                if used and not method.name.endswith(f"~{one.name}"):
                    yield MovedElement(method, member.name, row, kept, growing[1], used)
                    break


def _points(function: ir.Function, member: str, row: str, of: str, methods: Sequence[ir.Function]) -> int:
    """Where a function lets a member point at an element: of the vector, or one that a method has given out."""
    given = {p.name for p in function.parameters if is_reference(p.type) and of in p.type.split()}
    offers = any(
        is_reference(f.returns) and isinstance(s, ir.Return) and _is_element(s.value, row)
        for f in methods
        for s in every_statement(f.body)
    )
    for store in stores_in(function.body):
        value = uncast(store.value)
        if word(store.target) != member or not isinstance(value, ir.Operation) or value.operator != "address":
            continue
        if _is_element(value.operands[0], row) or (offers and word(value.operands[0]) in given):
            return store.line
    return 0


def _is_element(expression: ir.Expression | None, row: str) -> bool:
    bare = uncast(expression)
    if isinstance(bare, ir.Item):
        return word(bare.base) == row
    return isinstance(bare, ir.Call) and last_word(bare.name) in _TAKES and word(bare.receiver) == row


def _reads(expression: ir.Expression, member: str) -> bool:
    """Whether an expression reads through a member."""
    return isinstance(expression, ir.Member) and expression.through and word(expression.base) == member
