"""C types as ctypes types: for arguments, for results, for memory. One place decides what C sees of a Python value.

A pointer parameter takes None, bytes (only where C promises not to write), bytearray, memoryview, arrays and anything
else with the buffer protocol, ctypes instances (by reference), an address, and our own data objects and callbacks.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping
from typing import Any, Final

from loadstone.core.fork_safe_lock import ForkSafeLock
from loadstone.errors import InvalidPrototype, Unsupported
from loadstone.library.typed import fastcall
from loadstone.library.typed.prototype import (
    Array,
    CType,
    Enumeration,
    FunctionType,
    Integer,
    Pointer,
    Real,
    StructOrUnion,
    Void,
)

__all__ = ["CtypesTypes", "is_text", "passed_pointer"]

_INTEGERS: Final = {
    (1, True): ctypes.c_int8,
    (1, False): ctypes.c_uint8,
    (2, True): ctypes.c_int16,
    (2, False): ctypes.c_uint16,
    (4, True): ctypes.c_int32,
    (4, False): ctypes.c_uint32,
    (8, True): ctypes.c_int64,
    (8, False): ctypes.c_uint64,
}
_BY_VALUE: Final = (ctypes.Array, ctypes._Pointer, ctypes._CFuncPtr)  # type: ignore[attr-defined]  # noqa: SLF001
_ADDRESSES: Final = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_wchar_p)
_REFERENCE: Final = type(ctypes.byref(ctypes.c_int()))
_BY_REFERENCE: Final = (ctypes.Structure, ctypes.Union, ctypes._SimpleCData)  # noqa: SLF001


def passed_pointer(value: Any, *, const: bool, nested: bool = False) -> Any:
    """What ctypes is given for a pointer parameter; ``nested`` for a pointer to a pointer.

    A ``c_void_p`` is an address where C wants a pointer, and the place for one where C wants a pointer to a pointer.

    Raises:
        TypeError: and says what would be taken instead.
    """
    kind = type(value)
    if value is None or (kind is bytes and const):
        return value
    if kind is int:
        return ctypes.c_void_p(value)
    if kind is str:
        raise TypeError("a pointer takes bytes, not str: encode the text first, as in name.encode()")
    if kind is bytes:
        raise TypeError("C may write through this pointer and bytes cannot change: pass a bytearray")
    if isinstance(value, (_REFERENCE, *_BY_VALUE)) or (isinstance(value, _ADDRESSES) and not nested):
        return value
    if isinstance(value, _BY_REFERENCE):
        return ctypes.byref(value)
    if fastcall.is_function(value):
        return value.pointer
    if hasattr(value, "_as_parameter_"):
        return value._as_parameter_
    return _buffer(value, const=const)


def _buffer(value: Any, *, const: bool) -> Any:
    try:
        view = memoryview(value)
    except TypeError:
        raise TypeError(
            f"a pointer takes None, bytes, a buffer, a ctypes instance or an address, not {type(value).__name__}"
        ) from None
    if not view.c_contiguous:
        raise TypeError("the buffer is not contiguous, so C cannot read it: copy it first")
    if view.readonly:
        if not const:
            raise TypeError("C may write through this pointer and the buffer is read-only: pass a writable one")
        return view.tobytes()
    return (ctypes.c_char * view.nbytes).from_buffer(view.cast("B") if view.nbytes else value)


class _ConstPointer:
    """A parameter through which C only reads."""

    @classmethod
    def from_param(cls, value: Any) -> Any:
        return value if value is None or type(value) is bytes else passed_pointer(value, const=True)


class _Pointer:
    """A parameter through which C may write."""

    @classmethod
    def from_param(cls, value: Any) -> Any:
        return passed_pointer(value, const=False)


class _PointerToPointer:
    """A parameter through which C hands out a pointer."""

    @classmethod
    def from_param(cls, value: Any) -> Any:
        return passed_pointer(value, const=False, nested=True)


def _text(encoding: str) -> type[Any]:
    """A ``const char *`` that takes text too, in this encoding."""

    class Text:
        @classmethod
        def from_param(cls, value: Any) -> Any:
            if type(value) is not str:
                return _ConstPointer.from_param(value)
            if "\0" in value:
                raise ValueError("the text has a NUL in it, and C would take that for its end")
            return value.encode(encoding)

    return Text


def _sized(least: int, *, const: bool) -> type[Any]:
    """A pointer parameter declared ``[static n]``: C promises itself ``least`` bytes, and None is no array."""

    class Sized:
        @classmethod
        def from_param(cls, value: Any) -> Any:
            size = 0 if value is None else _size_of(value)
            if size is not None and size < least:
                raise ValueError(f"the buffer has {size} bytes and the function needs at least {least}")
            return passed_pointer(value, const=const)

    return Sized


def _size_of(value: Any) -> int | None:
    """Bytes behind what is passed, None where nobody knows: an address, or a pointer."""
    if isinstance(value, (int, _REFERENCE, ctypes._Pointer, *_ADDRESSES)):  # noqa: SLF001
        return None
    try:
        return memoryview(value).nbytes
    except TypeError:
        return None  # refused by passed_pointer, in its own words


def _checked(kind: Any, low: int, high: int) -> type[Any]:
    """An integer parameter that refuses what does not fit, where ctypes would cut it."""

    class Checked:
        @classmethod
        def from_param(cls, value: Any) -> Any:
            if isinstance(value, int) and not low <= value <= high:
                raise OverflowError(f"the number is out of range: it must lie between {low} and {high}")
            return kind.from_param(value)

    return Checked


_CHECKED: Final = {
    (size, signed): _checked(
        kind, *((-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if signed else (0, (1 << 8 * size) - 1))
    )
    for (size, signed), kind in _INTEGERS.items()
}


def is_text(kind: CType) -> bool:
    """Whether it is ``const char *``, by which C passes text that it does not change."""
    return isinstance(kind, Pointer) and kind.const and isinstance(kind.target, Integer) and kind.target.is_char


class CtypesTypes:
    """The ctypes types of one set of declarations; a struct is made once and then the same class everywhere.

    Thread-safe: a struct is given out when its members are set, never before.
    """

    def __init__(self, records: Mapping[str, StructOrUnion], text: str) -> None:
        self._records = records
        self._text = text
        self._made: dict[str, type[Any]] = {}
        self._making: dict[str, type[Any]] = {}
        """Structs under way: those of one being made may point back to it. They are given out all together."""
        self._lock = ForkSafeLock(threading.RLock)
        """Guards both tables, from the first struct made to its last member. Nothing foreign runs then."""

    def parameter(self, kind: CType, encoding: str | None = None) -> Any:
        """What converts an argument of that type: an ``argtypes`` entry. ``encoding`` is of ``str`` given as text."""
        if encoding is not None and is_text(kind):
            return _text(encoding)
        if isinstance(kind, Pointer) and isinstance(kind.target, Pointer):
            return _PointerToPointer
        if isinstance(kind, Array) and kind.at_least:
            return _sized(kind.at_least * ctypes.sizeof(self.of(kind.element)), const=kind.const)
        if isinstance(kind, (Pointer, Array)):
            return _ConstPointer if kind.const else _Pointer
        if isinstance(kind, Integer) and not kind.is_char and not kind.is_bool:
            return _CHECKED[kind.size, kind.signed]
        return _CHECKED[4, True] if isinstance(kind, Enumeration) else self.of(kind)

    def result(self, kind: CType) -> Any:
        """The ``restype``: None for void, bytes for ``const char *``, an address or None for ``void *``."""
        return None if isinstance(kind, Void) else self.of(kind)

    def of(self, kind: CType) -> Any:
        """The ctypes type that lies in memory as ``kind`` does.

        Raises:
            InvalidPrototype: an incomplete struct is used by value.
            Unsupported: bit fields of more than a word, say: what ctypes cannot lay out.
        """
        match kind:
            case Integer():
                if kind.is_bool:
                    return ctypes.c_bool
                return ctypes.c_char if kind.is_char else _INTEGERS[kind.size, kind.signed]
            case Real():
                return {4: ctypes.c_float, 8: ctypes.c_double}.get(kind.size, ctypes.c_longdouble)
            case Enumeration():
                return ctypes.c_int
            case Pointer():
                return self._pointer(kind)
            case Array():
                return self._array(kind)
            case FunctionType():
                return self.function(kind)
            case StructOrUnion():
                return self._record(kind)
        raise InvalidPrototype(text=self._text, reason="void has no value")

    def function(self, kind: FunctionType, *, capture_errno: bool = False) -> Any:
        """The type of pointers to such functions, as they are passed to C and called back."""
        arguments = [self.of(Pointer(p.type.element) if isinstance(p.type, Array) else p.type) for p in kind.parameters]
        return ctypes.CFUNCTYPE(self.result(kind.result), *arguments, use_errno=capture_errno)

    def _array(self, kind: Array) -> Any:
        element = self.of(kind.element)
        try:
            return element * (kind.length or 0)
        except (OverflowError, ValueError, AttributeError) as error:
            raise Unsupported(feature=str(kind), reason=f"ctypes has no such array: {error}") from error

    def _pointer(self, kind: Pointer) -> Any:
        target = kind.target
        if isinstance(target, Integer) and target.is_char:
            return ctypes.c_char_p
        if isinstance(target, FunctionType):
            return self.function(target)
        if isinstance(target, StructOrUnion) and self._members(target) is None:
            return ctypes.c_void_p
        if isinstance(target, Void) or (isinstance(target, Array) and target.length is None):
            return ctypes.c_void_p
        return ctypes.POINTER(self.of(target))

    def _members(self, record: StructOrUnion) -> StructOrUnion | None:
        """The complete record of that tag, None when only its name is known."""
        return record if record.members is not None else self._records.get(str(record))

    def _record(self, kind: StructOrUnion) -> type[Any]:
        key = str(kind)
        made = self._made.get(key)
        if made is not None:
            return made
        with self._lock:
            made = self._made.get(key) or self._making.get(key)
            if made is not None:
                return made
            outermost = not self._making
            try:
                made = self._make(key, kind)
                if outermost:
                    self._made.update(self._making)
            finally:
                if outermost:
                    self._making.clear()
            return made

    def _make(self, key: str, kind: StructOrUnion) -> type[Any]:
        whole = self._members(kind)
        if whole is None or whole.members is None:
            raise InvalidPrototype(
                text=self._text,
                reason=f"{key} is used by value and its members are not known",
                advice=f"define it in the text: '{key} {{ ... }};'",
            )
        base: Any = ctypes.Structure if kind.kind == "struct" else ctypes.Union
        made = type(kind.tag, (base,), {"__doc__": f"{key}, as declared."})
        self._making[key] = made
        try:
            fields = [
                (m.name or f"_unnamed_{i}", self.of(m.type), *((m.bits,) if m.bits else ()))
                for i, m in enumerate(whole.members)
            ]
            made._anonymous_ = [f"_unnamed_{i}" for i, m in enumerate(whole.members) if not m.name]  # type: ignore[attr-defined]
            made._fields_ = fields  # type: ignore[attr-defined]
        except (TypeError, ValueError, AttributeError) as error:
            raise Unsupported(feature=key, reason=f"ctypes cannot lay it out: {error}") from error
        return made
