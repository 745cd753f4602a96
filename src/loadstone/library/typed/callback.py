"""A Python function that C can call."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from loadstone.errors import Unsupported
from loadstone.headers.types import (
    Array,
    Complex,
    CType,
    Enumeration,
    FunctionType,
    Integer,
    Pointer,
    Prototype,
    Real,
    StructOrUnion,
    Void,
)
from loadstone.library.typed import fastcall
from loadstone.library.typed.ctypes_types import CtypesTypes
from loadstone.library.typed.likeness import canonical
from loadstone.library.typed.pointer_arguments import address_of
from loadstone.quick_dataclass import replace

__all__ = ["Userdata", "make", "make_of"]


def make(
    prototype: Prototype, function: Callable[..., Any], *, types: CtypesTypes | None = None, on_error: Any = None
) -> Any:
    """A C function pointer of the declared type that calls ``function``.

    It must live for as long as C may call it: keep the result. C may call it from any thread. An exception in
    ``function``, or a result that is none of its type, cannot cross C: it is reported through ``sys.unraisablehook``,
    and C gets ``on_error``, zero by default.

    Args:
        prototype: what C calls.
        function: called with the arguments; a struct may be returned as such, or as a tuple.
        types: where structs of several declarations are to be the same class.
        on_error: a value for C, or a function that is given the exception and returns one.

    Raises:
        TypeError: ``function`` cannot be called.
        Unsupported: C cannot call Python so: a variadic function, or a calling convention of its own.

    >>> from loadstone.library.typed.prototype import parse
    >>> make(parse("int twice(int)"), lambda number: number * 2)(21)
    42
    """
    known = types or CtypesTypes(prototype.records, prototype.text)
    return make_of(prototype.type, function, known, on_error=on_error)


def make_of(kind: FunctionType, function: Callable[..., Any], types: CtypesTypes, *, on_error: Any = None) -> Any:
    """As :func:`make`, of a function type."""
    if not callable(function):
        raise TypeError(f"a callback needs something that can be called, not {type(function).__name__}")
    if kind.variadic:
        raise Unsupported(feature="a variadic callback", reason="the arguments cannot be known")
    types.check_convention(kind)
    if any(isinstance(p.type, Array) for p in kind.parameters):
        kind = replace(kind, parameters=tuple(replace(p, type=_passed(p.type)) for p in kind.parameters))
    kind = canonical(kind)
    result = _Result(kind.result, types)
    handler = on_error if callable(on_error) else None
    fallback = None if handler is not None or on_error is None else on_error
    if fallback is not None:
        result.checked(fallback)
    called = getattr(function, "__name__", str(function))
    doc = f"{kind} calling {called}"
    below = object if fastcall.CALLBACK is object else _Called
    made = fastcall.callback(
        function, kind, doc, types, made_of=below, convert=result.checked, on_error=handler, fallback=fallback
    )
    if made is None:
        return _by_ctypes(function, kind, doc, types, result, handler, fallback)
    made.types = types
    return made


def _passed(kind: CType) -> CType:
    return Pointer(kind.element, kind.const) if isinstance(kind, Array) else kind


class _Called(fastcall.CALLBACK):  # type: ignore[misc]
    """A callback of the extension; Python may call it too, as C would."""

    __slots__ = ("types",)

    types: CtypesTypes

    @property
    def _as_parameter_(self) -> Any:
        made = _Pointer(self.code)
        made.kept = self
        return made

    def __call__(self, *arguments: Any) -> Any:
        return self.types.function_at(self.kind, self.code)(*arguments)


class _Pointer(ctypes.c_void_p):
    """The code of a callback, which it keeps."""

    kept: object


class _Result:
    """What a callback returns, made ready for C, or refused."""

    def __init__(self, kind: CType, types: CtypesTypes) -> None:
        self._kind = kind
        self._types = types
        self._kept: dict[int, object] = {}
        self.codec = None if isinstance(kind, (Void, Pointer)) else types.codec(kind)

    def checked(self, value: Any) -> Any:
        """A number, an address, or the bytes of a struct. Raises as C's types demand."""
        kind = self._kind
        if isinstance(kind, Pointer):
            address, kept = address_of(self._types, kind, value)
            self._kept[address] = kept  # C has it from now on, and nobody says for how long
            return address
        if self.codec is None:
            return None
        if isinstance(kind, Real):
            return float(value)
        memory = ctypes.create_string_buffer(self.codec.size)
        if isinstance(kind, (Integer, Enumeration)) and not isinstance(value, (int, bytes, str)):
            value = value.__index__() if hasattr(value, "__index__") else value
        self.codec.write(memory, 0, value)
        if isinstance(kind, (StructOrUnion, Complex)):
            return memory.raw
        return int.from_bytes(memory.raw, "little", signed=isinstance(kind, (Integer, Enumeration)) and kind.signed)


def _by_ctypes(
    function: Callable[..., Any],
    kind: FunctionType,
    doc: str,
    types: CtypesTypes,
    result: _Result,
    handler: Callable[[BaseException], Any] | None,
    fallback: object,
) -> Any:
    """The same by ctypes, which makes its own code at run time."""
    if isinstance(kind.result, (StructOrUnion, Complex)):
        raise Unsupported(
            feature="a struct as a callback's result",
            reason="ctypes cannot do it, and the extension is not there for this",
        )
    converters = [types.converted(p.type) for p in kind.parameters]
    zero = result.checked(fallback) if fallback is not None else None if isinstance(kind.result, (Void, Pointer)) else 0

    def call(*arguments: Any) -> Any:
        try:
            given = [
                value if convert is None else convert(value)
                for value, convert in zip(arguments, converters, strict=True)
            ]
            return _to_ctypes(kind.result, result.checked(function(*given)))
        except BaseException as error:  # noqa: BLE001 - nothing may unwind through C, KeyboardInterrupt neither
            try:
                if handler is not None:
                    value = handler(error)
                    return _to_ctypes(kind.result, zero if value is None else result.checked(value))
            except BaseException as second:  # noqa: BLE001
                error = second
            _report(error)
            return _to_ctypes(kind.result, zero)

    pointer: Any = types.function(kind)(call)
    pointer.__doc__ = doc
    pointer.kind = kind
    return pointer


def _to_ctypes(kind: CType, value: Any) -> Any:
    if isinstance(kind, Integer) and kind.is_char:
        return (value & 0xFF).to_bytes(1, "little")
    return value


def _report(error: BaseException) -> None:
    """Hand an exception to ``sys.unraisablehook`` as Python does."""
    if sys.implementation.name == "pypy":  # which calls __del__ some time later, and has a word of its own for it
        import_module("__pypy__").write_unraisable("in a callback", error, None)
    else:
        _Reporter(error)


class _Reporter:
    """Raises an exception where nobody can catch it, which CPython then reports."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __del__(self) -> None:
        raise self._error


class Userdata:
    """A Python object for the ``void *`` that C hands back to a callback: pass it, and look it up by what comes.

    >>> box = Userdata({"count": 1})
    >>> Userdata.at(box.address) is box.value
    True
    """

    __slots__ = ("__weakref__", "_place", "value")

    _alive: dict[int, Userdata] = {}  # noqa: RUF012  shared on purpose: C knows only the address

    def __init__(self, value: object) -> None:
        self.value: object = value
        self._place = ctypes.create_string_buffer(1)
        Userdata._alive[self.address] = self

    @property
    def address(self) -> int:
        """What C is given."""
        return ctypes.addressof(self._place)

    @property
    def _as_parameter_(self) -> int:
        return self.address

    @staticmethod
    def at(address: int) -> object:
        """The object behind an address that C gave back. Raises LookupError after :meth:`release`."""
        found = Userdata._alive.get(address)
        if found is None:
            raise LookupError(f"no userdata lives at {address:#x}: it was released, or is not one of ours")
        return found.value

    def release(self) -> None:
        """C will not hand it back any more."""
        Userdata._alive.pop(self.address, None)
