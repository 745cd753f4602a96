"""What the type of a declared variable says of its end: is it an object, what releases it, what ``auto`` stands for."""

from __future__ import annotations

import re
from typing import Final

from loadstone.review import ir
from loadstone.review.apis import ApiRole, tables
from loadstone.review.frontends.c.expressions import CExpressions
from loadstone.review.typenames import base_type

__all__ = ["braced", "constructed", "deduced", "deleter", "inferred", "is_object"]

_DELETER: Final = re.compile(r"unique_ptr\s*<.*?,\s*(?:decltype\s*\(\s*&?\s*)?(?:::)?([\w:]+)", re.DOTALL)
_PLAIN: Final = re.compile(
    r"(?:(?:const|volatile|static|unsigned|signed|register|struct|extern)\s+)*(?:void|char|short|int|long|float|double|bool|size_t|ssize_t|\w+_t)\b"
)
_TEMPLATE: Final = re.compile(r"<.*>", re.DOTALL)
_HANDLE: Final = re.compile(r"(?:const\s+)?[A-Z][A-Z\d_]+\Z")
"""Windows' names of numbers and handles: ``HMODULE``, ``DWORD``, ``FARPROC``."""

_FROM_ARGUMENT: Final = re.compile(
    r"(?:value_type|pointer|handle_type|typename\s.*|\w+::(?:type|pointer|handle_type|value_type))\Z"
)
"""A type that the argument of a template names: mostly a number or a pointer, which is not constructed."""


_GIVEN_WITH_IT: Final = "?::operator()"
"""The function that whoever made a shared pointer gave it, and nobody names here."""


def is_object(spelled: str) -> bool:
    """Whether a type names a class with behaviour (and not a number, a pointer or a reference)."""
    bare = _TEMPLATE.sub("", spelled).strip()
    plain = (
        _PLAIN.match(bare)
        or _HANDLE.match(bare)
        or _FROM_ARGUMENT.match(bare)
        or "*" in bare
        or "&" in bare
        or bare == "auto"
    )
    return bool(bare) and not plain


def constructed(spelled: str, arguments: tuple[ir.Expression, ...], line: int) -> ir.Expression:
    """What ``T name(arguments)`` holds: an object that its constructor makes, or the value itself."""
    if not is_object(spelled):
        return arguments[0] if arguments else ir.Literal(line, 0)
    name = base_type(spelled)
    return ir.Call(line, name, ir.Name(line, name), arguments, (), None, line)


def braced(spelled: str, value: ir.Display, line: int) -> ir.Expression:
    """What ``T name{...}`` holds: an object, the one value in the braces, or what is filled member by member."""
    if is_object(spelled):
        return value if any(value.keys) else constructed(spelled, value.items, line)
    return value.items[0] if len(value.items) == 1 and not spelled.endswith("]") else value


def deleter(spelled: str, value: ir.Expression | None) -> str:
    """The function a smart pointer calls at the end of its scope; ``Closer::operator()`` for a deleter class."""
    if "unique_ptr" in spelled or "shared_ptr" in spelled:
        if isinstance(value, ir.Call) and len(value.arguments) > 1:
            given = value.arguments[1]
            if isinstance(given, ir.Operation) and given.operator == "address":
                given = given.operands[0]
            if isinstance(given, ir.Name):
                return given.name.removeprefix("::")
            if isinstance(given, ir.Closure):
                return "<lambda>"
            if isinstance(given, ir.Display):
                return _GIVEN_WITH_IT
        found = _DELETER.search(spelled)
        if found:
            return found[1] if "decltype" in spelled else f"{found[1]}::operator()"
        if "shared_ptr" in spelled and isinstance(value, ir.Call) and not value.arguments[1:]:
            return _GIVEN_WITH_IT if not value.name.startswith("std::") else ""
    holder = tables().get(base_type(spelled))
    return holder.release if holder is not None and holder.role is ApiRole.HOLDER else ""


def deduced(spelled: str, found: str) -> str:
    """What ``auto`` stands for, the reference that a declaration makes of it kept."""
    if not found:
        return spelled
    return f"{found} &" if "&" in spelled and not found.endswith("&") else found


def inferred(value: ir.Expression, x: CExpressions) -> str:
    """The type of a value, empty when it is not known."""
    match value:
        case ir.Call() if found := x.type_of(value):
            return found
        case ir.Call(name=name) if name[:1].isupper() or name.startswith("std::"):
            return name
        case ir.Operation(operator="new", operands=(ir.Call(name=name),)):
            return f"{name} *"
        case ir.Cast(type=spelled):
            return spelled
    return x.type_of(value)
