"""How expressions, values and places are spelled, and what their spelling alone tells."""

from __future__ import annotations

import errno
from typing import Final

from loadstone.review import ir
from loadstone.review.analyses.known import Frame
from loadstone.review.analyses.mentions import children
from loadstone.review.analyses.state import Memory, Value

__all__ = [
    "describe",
    "describe_value",
    "dotted_name",
    "may_raise",
    "names_an_error",
    "rooted_locally",
    "shared_name",
    "uncast",
    "word_of",
]

_ERRORS: Final = frozenset(errno.errorcode.values())


def uncast(expression: ir.Expression | None) -> ir.Expression:
    """An expression without the casts around it; an unnamed operation when there is none."""
    while isinstance(expression, ir.Cast):
        expression = expression.operand
    return expression if expression is not None else ir.Operation(0, "?", ())


def dotted_name(expression: ir.Expression) -> str:
    """``a.b.c`` as it is written; empty when it is more than names."""
    parts: list[str] = []
    while isinstance(expression, ir.Member):
        parts.append(expression.name)
        expression = expression.base
    return ".".join([expression.name, *reversed(parts)]) if isinstance(expression, ir.Name) else ""


def word_of(expression: ir.Expression) -> str:
    """What a store puts somewhere, in a word: the function called, ``null``, or nothing to say."""
    bare = uncast(expression)
    return (
        bare.name
        if isinstance(bare, ir.Call)
        else "null"
        if isinstance(bare, ir.Literal) and bare.value is None
        else ""
    )


def rooted_locally(place: Memory) -> bool:
    """Whether a place lies inside what only this call can reach."""
    current: object = place
    for _ in range(8):
        if not isinstance(current, tuple) or not current:
            return False
        if current[0] in {"v", "o"}:
            return True
        if current[0] != "m":
            return False
        current = current[1]
    return False


def names_an_error(value: Value) -> bool:
    """``ERROR_MOD_NOT_FOUND``, ``ENOENT``: whatever its number, an error is not zero."""
    if value is None or value[0] != "i" or not isinstance(value[1], tuple) or value[1][0] != "g":
        return False
    name = str(value[1][-1])
    return name.startswith("ERROR_") or name in _ERRORS


def describe(place: Memory) -> str:
    """A place as people write it."""
    if place[0] == "v":
        return str(place[2])
    if place[0] == "g":
        return str(place[-1]).rpartition(":")[2]
    inner = place[1]
    field_name = str(place[2])
    if isinstance(inner, tuple):
        if inner[:1] == ("this",):
            return field_name
        if inner[:1] in {("i",), ("a",)} and isinstance(inner[1], tuple):
            base = describe(inner[1])
        elif inner[:1] in {("v",), ("g",), ("m",)}:
            base = describe(inner)
        else:
            base = ""
        if field_name == "*":
            return base
        if field_name.startswith("["):
            return base
        return f"{base}.{field_name}" if base and base != "this" else field_name
    return field_name


def describe_value(value: Value) -> str:
    """What a value was read from, as people write it; empty when it was not read from a place."""
    if value is None:
        return ""
    if value[0] in {"i", "a"} and isinstance(value[1], tuple):
        return describe(value[1])
    return ""


def shared_name(place: Memory, frame: Frame) -> tuple[str, str] | None:
    """The name and owner of state that others can reach; None for what only this call can."""
    if place[0] == "g":
        name = str(place[-1])
        return (name, "") if place[1] else None
    if place[0] != "m":
        return None
    inner = place[1]
    field_name = str(place[2])
    if isinstance(inner, tuple):
        if inner[:1] == ("this",):
            return field_name, str(inner[1])
        if inner[:1] == ("g",):
            outer = shared_name(inner, frame)
            return (
                (f"{outer[0]}.{field_name}" if not field_name.startswith(("[", "*")) else outer[0], outer[1])
                if outer
                else None
            )
        if inner[:1] == ("i",) and isinstance(inner[1], tuple):
            base = inner[1]
            if base[0] == "g" and base[1]:
                return (str(base[-1]) if field_name.startswith(("[", "*")) else field_name, str(base[-1]))
            if base[0] == "m":
                outer = shared_name(base, frame)
                if outer is not None:
                    return (outer[0], outer[1]) if field_name.startswith(("[", "*")) else (field_name, "*")
            if base[0] == "v" and not field_name.startswith(("[", "*")):
                return field_name, "*"
    return None


def may_raise(expression: ir.Expression) -> bool:
    """Whether evaluating an expression calls anything; what is too large to look through may."""
    stack = [expression]
    for _ in range(400):
        if not stack:
            return False
        current = stack.pop()
        if isinstance(current, ir.Call):
            return True
        stack.extend(children(current))
    return True
