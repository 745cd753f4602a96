"""A variable of a library as a typed view of its memory."""

from __future__ import annotations

from typing import Any

from loadstone.library.typed.ctypes_types import CtypesTypes
from loadstone.library.typed.prototype import DataDeclaration

__all__ = ["bind"]


def bind(address: int, declaration: DataDeclaration, owner: object, types: CtypesTypes | None = None) -> Any:
    """The variable at ``address`` as a ctypes object: ``.value`` of a number, indexes of an array, fields of a struct.

    Reading and writing go to the library's own memory. The view keeps ``owner`` alive, and so does every part of it.

    Raises:
        InvalidPrototype: its type is an incomplete struct.
    """
    kind = (types or CtypesTypes(declaration.records, declaration.text)).of(declaration.type)
    view_type = type(declaration.name, (kind,), {"__doc__": f"{declaration.type} {declaration.name}"})
    view: Any = view_type.from_address(address)  # type: ignore[attr-defined]
    view.owner = owner
    return view
