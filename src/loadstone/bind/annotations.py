"""C types as Python annotations: what a type checker is told of values that go to C, and of those that come back."""

from __future__ import annotations

from collections.abc import Mapping

from loadstone.bind.names import class_name
from loadstone.headers.types import (
    Array,
    Complex,
    CType,
    Enumeration,
    FunctionType,
    Integer,
    Pointer,
    Real,
    StructOrUnion,
    Void,
)

__all__ = ["given", "returned"]


def _number(kind: CType) -> str | None:
    match kind:
        case Integer(is_bool=True):
            return "bool"
        case Integer(is_char=True):
            return "bytes"
        case Integer(is_wide=True):
            return "str"
        case Integer() | Enumeration():
            return "int"
        case Real():
            return "float"
        case Complex():
            return "complex"
    return None


def _is_text(kind: Pointer) -> bool:
    return isinstance(kind.target, Integer) and (kind.target.is_char or kind.target.is_wide)


def given(kind: CType, aliases: Mapping[str, str]) -> str:
    """The annotation of a parameter."""
    if isinstance(kind, Array):
        kind = Pointer(kind.element, kind.const)
    if isinstance(kind, StructOrUnion):
        return class_name(kind, aliases)
    if not isinstance(kind, Pointer):
        return _number(kind) or "Any"
    target = kind.target
    if isinstance(target, StructOrUnion):
        own = class_name(target, aliases)
        return f"{own} | Ref | None" if target.members is None else f"{own} | Memory | None"
    if isinstance(target, FunctionType):
        return "Callback | None"
    if isinstance(target, Integer) and target.is_wide and kind.const:
        return "str | Memory | None"
    return "Memory | int | None" if isinstance(target, Void) else "Memory | None"


def returned(kind: CType, aliases: Mapping[str, str]) -> str:
    """The annotation of a result, or of a member."""
    match kind:
        case Void():
            return "None"
        case StructOrUnion():
            return class_name(kind, aliases)
        case Pointer(target=Void()):
            return "int | None"
        case Pointer() if _is_text(kind):
            return "str | None" if isinstance(kind.target, Integer) and kind.target.is_wide else "bytes | None"
        case Pointer(target=StructOrUnion() as record):
            return f"{class_name(record, aliases)} | None"
        case Pointer(target=FunctionType()):
            return "Callback | None"
        case Pointer():
            return "TypedPointer | None"
        case Array(element=Integer(is_char=True)):
            return "bytes"
        case Array():
            return "ArrayView"
    return _number(kind) or "Any"
