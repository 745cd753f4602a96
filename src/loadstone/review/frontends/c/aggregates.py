"""Initialisers in braces: what a call gives a member or an element, told as the assignment that it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from loadstone.review import ir
from loadstone.review.typenames import base_type
from loadstone.review.walk import expressions

__all__ = ["laid_out"]

_MAX_ITEMS: Final = 256
_MAX_NESTED: Final = 4


def laid_out(assignment: ir.Assign, types: Mapping[str, str], *, depth: int = 0) -> Iterator[ir.Assign]:
    """``struct ops o = {.run = dlsym(h, "run")}`` as a declaration, and ``o.run = dlsym(h, "run")`` behind it.

    Only items with a call are told apart, for they may fail; constants stay where a table is read as a whole. Where the
    members of a type are not known and the items have no names, the assignment stays as it is.
    """
    display, target = assignment.value, assignment.target
    whole = not isinstance(display, ir.Display) or assignment.static or assignment.operator
    if whole or not isinstance(display, ir.Display) or len(display.items) > _MAX_ITEMS or depth > _MAX_NESTED:
        yield assignment
        return
    places = [*_places(target, display, assignment.type, types)]
    apart = {n for n, item in enumerate(display.items[: len(places)]) if _has_call(item)}
    if not apart:
        yield assignment
        return
    items = tuple(ir.Literal(i.line, 0) if n in apart else i for n, i in enumerate(display.items))
    yield replace(assignment, value=replace(display, items=items))
    for n in sorted(apart):
        place, kind = places[n]
        each = ir.Assign(display.items[n].line, place, display.items[n], type=kind)
        yield from (replace(one, type="") for one in laid_out(each, types, depth=depth + 1))


def _places(
    target: ir.Expression, display: ir.Display, spelled: str, types: Mapping[str, str]
) -> Iterator[tuple[ir.Expression, str]]:
    """The place of each item and its type, as far as they are known."""
    if spelled.endswith("]"):
        for number, item in enumerate(display.items):
            index = ir.Literal(item.line, number)
            yield ir.Item(item.line, target, index), spelled.rpartition("[")[0].strip()
        return
    base = base_type(spelled)
    members = [name.removeprefix(f"{base}.") for name in types if name.startswith(f"{base}.")] if base else []
    for number, (key, item) in enumerate(zip(display.keys, display.items, strict=False)):
        name = key or (members[number] if number < len(members) and not any(display.keys) else "")
        if not name.isidentifier():
            return
        yield _member(item.line, target, name), types.get(f"{base}.{name}", "")


def _member(line: int, target: ir.Expression, name: str) -> ir.Member:
    """``o->name`` where the target is ``*o``."""
    if isinstance(target, ir.Operation) and target.operator == "deref":
        return ir.Member(line, target.operands[0], name, through=True)
    return ir.Member(line, target, name)


def _has_call(expression: ir.Expression) -> bool:
    return any(isinstance(part, ir.Call) for part in expressions(expression))
