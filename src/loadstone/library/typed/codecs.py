"""Pointers, arrays and structs as they lie in memory: read as views of the place, written from Python's values."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from loadstone.headers.types import CType, Integer, Pointer, StructOrUnion
from loadstone.library.typed.likeness import is_char_pointer
from loadstone.library.typed.memory import Number
from loadstone.library.typed.pointer_arguments import address_of
from loadstone.library.typed.pointers import ArrayView
from loadstone.library.typed.records import RecordBase, make_constant

if TYPE_CHECKING:
    from loadstone.library.typed.ctypes_types import CtypesTypes

__all__ = ["ArrayCodec", "PointerCodec", "RecordCodec"]


class PointerCodec:
    """A pointer in memory."""

    __slots__ = ("_kind", "_number", "_types", "size")

    def __init__(self, types: CtypesTypes, kind: Pointer) -> None:
        self._types = types
        self._kind = kind
        self.size: int = ctypes.sizeof(ctypes.c_void_p)
        self._number = Number.integer(self.size, False, str(kind))

    def read(self, memory: Any, offset: int) -> Any:
        return self._types.wrapped(self._kind, self._number.read(memory, offset))

    def write(self, memory: Any, offset: int, value: Any) -> object:
        kind = self._kind
        if isinstance(value, bytes) and is_char_pointer(kind):
            kind = Pointer(kind.target, const=True)  # the bytes are kept; C's word says who may write them
        address, kept = address_of(self._types, kind, value)
        self._number.write(memory, offset, address)
        return (kept,)


class ArrayCodec:
    """An array in memory: of ``char`` it is bytes up to the first zero, of wide characters text, else a view."""

    __slots__ = ("_const", "_element", "_inner", "_length", "_types", "size")

    def __init__(self, types: CtypesTypes, element: CType, length: int, *, const: bool) -> None:
        self._types = types
        self._element = element
        self._inner = types.codec(element)
        self._length = length
        self._const = const
        self.size: int = length * types.layouts.size(element)

    def read(self, memory: Any, offset: int) -> Any:
        const = self._const or getattr(memory, "_const_", False)
        life = getattr(memory, "_life_", None)
        if not self._length and life is not None:  # a flexible one: only C knows how many there are
            place = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + offset
            return self._types.pointer(Pointer(self._element, const))(place, life)
        view = ArrayView(self._types, self._element, self._length, memory, offset, const=const, life=life)
        text = isinstance(self._element, Integer) and (self._element.is_char or self._element.is_wide)
        if text and self._length:
            return view.value
        return view

    def write(self, memory: Any, offset: int, value: Any) -> object:
        element = self._element
        if isinstance(element, Integer) and element.is_char and isinstance(value, (bytes, bytearray)):
            if len(value) > self._length:
                raise ValueError(f"{len(value)} bytes do not fit into char[{self._length}]")
            content = bytes(value).ljust(self._length, b"\0")
            memoryview(memory).cast("B")[offset : offset + self._length] = content
            return None
        values = list(value)
        if len(values) > self._length:
            raise ValueError(f"{len(values)} values do not fit into {element}[{self._length}]")
        if isinstance(element, Integer) and element.is_wide and isinstance(value, str):
            values += ["\0"] * (self._length - len(values))
        return [self._inner.write(memory, offset + index * self._inner.size, one) for index, one in enumerate(values)]


class RecordCodec:
    """A struct in memory: read as a view of the very place, written from a struct, a tuple or a dict."""

    __slots__ = ("_kind", "_types", "size")

    def __init__(self, types: CtypesTypes, kind: StructOrUnion) -> None:
        self._types = types
        self._kind = kind
        self.size: int = types.layouts.size(kind)

    def read(self, memory: Any, offset: int) -> Any:
        made = self._types.record(self._kind).from_buffer(memory, offset)
        if getattr(memory, "_const_", False):
            make_constant(made)
        life = getattr(memory, "_life_", None)
        if life is not None:
            made._life_ = life
            self._types.note("struct", str(self._kind), made)
        return made

    def write(self, memory: Any, offset: int, value: Any) -> object:
        kind = self._types.record(self._kind)
        if isinstance(value, dict):
            value = kind(**value)
        elif isinstance(value, (tuple, list)):
            value = kind(*value)
        if not isinstance(value, kind) and not (
            isinstance(value, RecordBase)
            and type(value).__name__ == kind.__name__
            and ctypes.sizeof(value) == self.size
        ):
            raise TypeError(f"a {type(value).__name__} is given where C wants a {self._kind}")
        memoryview(memory).cast("B")[offset : offset + self.size] = bytes(value)
        return value.__dict__.get("_kept_")
