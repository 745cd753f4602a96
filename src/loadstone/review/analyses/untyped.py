"""What a function takes an argument of no type for: ``struct pump *p = arg;`` of a callback's ``void *arg``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.words import uncast

__all__ = ["taken_for"]

_UNTYPED: Final = frozenset({"void*", "constvoid*", "gpointer", "LPVOID", "PVOID"})


def taken_for(function: ir.Function, declared: Iterable[tuple[str, ir.Assign]]) -> dict[str, str]:
    """The parameters of no type that a function gives to a variable of one type only, with that type."""
    untyped = {p.name for p in function.parameters if p.type.replace(" ", "") in _UNTYPED}
    seen: dict[str, set[str]] = {}
    for _, statement in declared if untyped else ():
        value = uncast(statement.value)
        if isinstance(value, ir.Name) and value.name in untyped and statement.type.count("*") == 1:
            seen.setdefault(value.name, set()).add(statement.type)
    return {name: types.pop() for name, types in seen.items() if len(types) == 1}
