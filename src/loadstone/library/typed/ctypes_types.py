"""The types of one set of declarations at work: what Python gives for a C value, and what C is given for a Python one.

What a pointer is given for is decided in :mod:`loadstone.library.typed.pointer_arguments`.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping
from operator import index
from typing import Any, ClassVar, Final

from loadstone.core.counting import counted
from loadstone.errors import InvalidPrototype, Unsupported
from loadstone.headers.abi import current
from loadstone.headers.layout import Layouts
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
from loadstone.library.typed.carriers import check_by_value, of_complex
from loadstone.library.typed.codecs import ArrayCodec, PointerCodec, RecordCodec
from loadstone.library.typed.life import Life
from loadstone.library.typed.likeness import is_char_pointer, is_text
from loadstone.library.typed.memory import (
    Character,
    Codec,
    ComplexPair,
    LongDouble,
    Number,
    Truth,
    WideCharacter,
    WideInteger,
    truth,
    wide_character,
    wide_number,
)
from loadstone.library.typed.pointer_arguments import REFERENCE, address_in_ctypes, address_of, size_of
from loadstone.library.typed.pointers import TypedPointer, pointer_class
from loadstone.library.typed.records import RecordBase, record_class

__all__ = ["CtypesTypes", "Passed"]

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
_LONG_DOUBLE: Final = sys.implementation.name != "pypy"
"""Whether ctypes passes one that is wider than ``double``."""


class Passed(ctypes.c_void_p):
    """An address on its way to C, with what must live until the call is over."""

    kept: object


class CtypesTypes:
    """The types of one set of declarations; a struct is made once and then the same class everywhere.

    Args:
        records: the complete structs and unions, by ``kind tag``.
        text: the declarations, for errors.
        owner: what functions that C hands out keep alive: the library.
        life: whether what it gave out may still be used.
        taken: is told of every function and view into the library that is given out.

    Thread-safe: what is made twice at once is equal, and the first stays.
    """

    bind_function: ClassVar[Callable[..., Any]]
    """What makes a callable of an address: ``function.bind``, which sets itself here."""

    def __init__(
        self,
        records: Mapping[str, StructOrUnion],
        text: str,
        owner: object = None,
        life: Life | None = None,
        taken: Callable[[str, str, object], None] | None = None,
    ) -> None:
        self._records = records
        self._text = text
        self._made: dict[StructOrUnion, type[RecordBase]] = {}
        self._pointers: dict[tuple[str, bool], type[TypedPointer]] = {}
        self._codecs: dict[CType, Codec] = {}
        self._kept: dict[int, object] = {}
        self.layouts: Layouts = Layouts(records, current(), text)
        self.owner = owner
        self.life: Life = life or Life("the library")
        self.taken = taken

    # -- types -----------------------------------------------------------------------------------------------------

    def is_complete(self, kind: CType) -> bool:
        """Whether a value of that type has a size."""
        return not isinstance(kind, StructOrUnion) or self.layouts.whole(kind) is not None

    def keep(self, address: int, kept: object) -> None:
        """Keep what the memory at ``address`` points to, until something else is written there."""
        self._kept[address] = kept

    def record(self, kind: StructOrUnion) -> type[RecordBase]:
        """The class of a struct or union. Raises InvalidPrototype when its members are not known."""
        whole = self.layouts.whole(kind)
        layout = self.layouts.of(kind)
        assert whole is not None
        made = self._made.get(whole)
        if made is None:
            made = self._made.setdefault(whole, record_class(kind, whole, layout, self))
        return made

    def pointer(self, kind: Pointer) -> type[TypedPointer]:
        """The class of pointers of that type."""
        key = str(kind.target), kind.const
        made = self._pointers.get(key)
        return made or self._pointers.setdefault(key, pointer_class(kind, self))

    def codec(self, kind: CType) -> Codec:
        """What reads and writes a value of that type in memory."""
        made = self._codecs.get(kind)
        return made or self._codecs.setdefault(kind, self._codec(kind))

    def codec_of_array(self, element: CType, length: int | None, *, const: bool) -> Codec:
        """What reads and writes an array in memory; an open one has no items of its own."""
        return ArrayCodec(self, element, length or 0, const=const)

    def _codec(self, kind: CType) -> Codec:
        match kind:
            case Integer(is_bool=True):
                return Truth()
            case Integer(is_char=True):
                return Character()
            case Integer(is_wide=True):
                return WideCharacter(kind.size, kind.name)
            case Integer(size=16):
                return WideInteger(16, kind.signed)
            case Integer() | Enumeration():
                return Number.integer(kind.size, kind.signed, str(kind))
            case Real():
                return self._real(kind)
            case Complex():
                return ComplexPair(self._real(kind.part))
            case Pointer():
                return PointerCodec(self, kind)
            case Array():
                return self.codec_of_array(kind.element, kind.length, const=kind.const)
            case StructOrUnion():
                return RecordCodec(self, kind)
        raise InvalidPrototype(text=self._text, reason=f"{kind} has no value")

    def _real(self, kind: Real) -> Codec:
        form = {2: "e", 4: "f", 8: "d"}.get(kind.size)
        if form is not None:
            return Number(form, kind.name)
        if kind.name != "long double":
            raise Unsupported(feature=str(kind), reason="Python has no such number")
        return LongDouble()

    # -- pointers --------------------------------------------------------------------------------------------------

    def wrapped(self, kind: Pointer, address: int | None) -> Any:
        """What Python gets for an address that C gave: None for NULL, bytes for text, a number for ``void *``."""
        if not address:
            return None
        target = kind.target
        if isinstance(target, Void):
            return address
        if isinstance(target, Integer) and target.is_char:
            return ctypes.string_at(address)
        if isinstance(target, Integer) and target.is_wide:
            return _wide_text(address, target.size)
        if isinstance(target, FunctionType):
            return self.function_at(target, address)
        return self.pointer(kind)(address, self.life)

    def cast(self, kind: Pointer, value: Any) -> Any:
        """A pointer of that type to an address, or to where something else lies; None for NULL."""
        if isinstance(value, int):
            address = value & ((1 << 8 * ctypes.sizeof(ctypes.c_void_p)) - 1)
        else:
            address, _ = address_of(self, Pointer(Void(), const=True), value)
        if not address or isinstance(kind.target, Void):
            return address or None
        return self.pointer(kind)(address, self.life)

    def note(self, kind: str, name: str, made: object) -> None:
        """Tell the library that something which points into it, or which it may call, is alive."""
        if self.taken is not None:
            self.taken(kind, name, made)

    def function_at(self, kind: FunctionType, address: int) -> Any:
        """A function that C gave the address of, as a callable."""
        prototype = Prototype("function", kind, self._text, self._records)
        made = CtypesTypes.bind_function(address, prototype, owner=self.owner, types=self)
        self.note("function", str(kind), made)
        return made

    # -- calls -----------------------------------------------------------------------------------------------------

    def parameter(self, kind: CType, encoding: str | None = None) -> Any:
        """What converts an argument of that type: an ``argtypes`` entry. ``encoding`` is of ``str`` given as text."""
        match kind:
            case Array():
                least = kind.length or 0
                return _PointerParameter(self, Pointer(kind.element, kind.const), encoding, least, static=kind.static)
            case Pointer():
                return _PointerParameter(self, kind, encoding)
            case Integer(is_wide=True):
                number = _INTEGERS[kind.size, False]
                return _Converted(lambda value: number(wide_number(value, kind.size)))
            case Integer(size=16) | Complex() | StructOrUnion():
                return self._by_value(kind)
            case Integer(is_bool=True):
                return _Converted(lambda value: ctypes.c_bool(truth(value)))
            case Integer(is_char=True) | Real():
                return self.call_type(kind)
            case Integer() | Enumeration():
                return _checked(kind.size, kind.signed)
        return self.call_type(kind)

    def _by_value(self, kind: CType) -> Any:
        carrier = self.call_type(kind)
        codec = self.codec(kind)
        record = self.record(kind) if isinstance(kind, StructOrUnion) else None

        def passed(value: Any) -> Any:
            if type(value) is record:
                return carrier.from_buffer_copy(value)
            if record is not None and not isinstance(value, (record, tuple, dict)):
                raise TypeError(f"a {type(value).__name__} is given where C wants a {kind}")
            made = carrier()
            codec.write(made, 0, value)
            return made

        return _Converted(passed)

    def call_type(self, kind: CType) -> Any:
        """The ctypes type that goes into a call as ``kind`` does. Raises Unsupported where there is none."""
        match kind:
            case Integer(is_bool=True):
                return ctypes.c_bool
            case Integer(is_char=True):
                return ctypes.c_char
            case Integer(size=16):
                return _int128(self.layouts.abi.name)
            case Integer(is_wide=True):
                return _INTEGERS[kind.size, False]
            case Integer() | Enumeration():
                return _INTEGERS[kind.size, kind.signed]
            case Real():
                if kind.name not in ("float", "double", "long double") or (kind.size > 8 and not _LONG_DOUBLE):
                    raise Unsupported(feature=f"{kind} in a call", reason="ctypes has no such type")
                return {4: ctypes.c_float, 8: ctypes.c_double}.get(kind.size, ctypes.c_longdouble)
            case Complex():
                return of_complex(kind, self.layouts.abi.name)
            case Pointer() | Array():
                return ctypes.c_void_p
            case StructOrUnion():
                check_by_value(kind, self.layouts)
                return self.record(kind)
        raise InvalidPrototype(text=self._text, reason=f"{kind} has no value")

    def result(self, kind: CType) -> Any:
        """The ``restype``: None for void."""
        return None if isinstance(kind, Void) else self.call_type(kind)

    def converted(self, kind: CType, encoding: str | None = None) -> Callable[[Any], Any] | None:
        """What makes a Python value of a raw result; None where ctypes has done so."""
        match kind:
            case Pointer() if encoding is not None and is_char_pointer(kind):
                return lambda value: None if not value else ctypes.string_at(value).decode(encoding)
            case Pointer():
                return lambda value: self.wrapped(kind, value)
            case Integer(is_wide=True):
                return wide_character
            case Integer(size=16) | Complex():
                codec = self.codec(kind)
                return lambda value: codec.read(value, 0)
        return None

    def function(self, kind: FunctionType, *, capture_errno: bool = False) -> Any:
        """The ctypes type of pointers to such functions.

        Raises:
            Unsupported: its calling convention is not C's.
        """
        self.check_convention(kind)
        arguments = [self.call_type(p.type) for p in kind.parameters]
        return ctypes.CFUNCTYPE(self.result(kind.result), *arguments, use_errno=capture_errno)

    def check_convention(self, kind: FunctionType) -> None:
        """Raise Unsupported for a function that does not follow the platform's convention."""
        if kind.convention:
            raise Unsupported(
                feature=f"the calling convention {kind.convention}",
                reason=f"calls are made by the rules of {self.layouts.abi.name}",
                advice="wrap the function in C",
            )

    def plain(self, signature: FunctionType) -> Any:
        """The function type as somebody would declare it with ctypes alone, to compare with."""
        kinds = [
            ctypes.c_void_p if isinstance(p.type, (Pointer, Array)) else self.call_type(p.type)
            for p in signature.parameters
        ]
        text = is_char_pointer(signature.result)
        return ctypes.CFUNCTYPE(ctypes.c_char_p if text else self.result(signature.result), *kinds)


class _Converted:
    """An ``argtypes`` entry around a function."""

    __slots__ = ("_convert",)

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        self._convert = convert

    def from_param(self, value: Any) -> Any:
        return self._convert(value)


class _PointerParameter:
    """An ``argtypes`` entry of a pointer, to ``least`` items where it is declared as an array of so many.

    The class of ctypes that it took last for its struct is remembered: whether it is taken depends on nothing else.
    """

    __slots__ = ("_encoding", "_kind", "_least", "_static", "_taken", "_types")

    def __init__(
        self, types: CtypesTypes, kind: Pointer, encoding: str | None, least: int = 0, *, static: bool = False
    ) -> None:
        self._types = types
        self._kind = kind
        self._encoding = encoding
        self._least = least
        self._static = static
        self._taken: type | None = None

    def address(self, value: Any) -> tuple[int, object]:
        """What C is given for ``value``, and what must live until the call is over."""
        if self._least:
            self.check(value, self._least)
        return self._address(value)

    def check(self, value: Any, least: int) -> None:
        """Raise ValueError when fewer than ``least`` items lie behind it, as far as anybody knows.

        NULL is none where ``static`` says so. A text may end before the array that is declared for it.
        """
        if value is None:
            size = 0 if self._static else None
        elif isinstance(value, (bytes, str)) and is_text(self._kind) and not self._static:
            size = None
        else:
            size = size_of(value, self._address(value)[1])
        wanted = least * self._types.layouts.size(self._kind.target)
        if size is not None and size < wanted:
            raise ValueError(f"the buffer has {counted(size, 'byte')} and the function needs at least {wanted}")

    def _address(self, value: Any) -> tuple[int, object]:
        given = type(value)
        if given is REFERENCE:
            given = type(value._obj)  # noqa: SLF001  what byref() refers to
        if given is self._taken:
            return address_in_ctypes(value), value
        found = address_of(self._types, self._kind, value, self._encoding)
        if issubclass(given, (ctypes.Structure, ctypes.Union)) and self._types.is_complete(self._kind.target):
            self._taken = given
        return found

    def from_param(self, value: Any) -> Any:
        address, kept = self.address(value)
        made = Passed(address)
        made.kept = kept
        return made


_CHECKED: dict[tuple[int, bool], _Converted] = {}


def _checked(size: int, signed: bool) -> _Converted:
    """An integer parameter that refuses what does not fit, where ctypes would cut it, and what is no integer."""
    kind: Any = _INTEGERS[size, signed]
    low, high = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if signed else (0, (1 << 8 * size) - 1)

    def convert(value: Any) -> Any:
        if hasattr(value, "_as_parameter_"):
            return convert(value._as_parameter_)
        if isinstance(value, ctypes._SimpleCData):  # noqa: SLF001
            return kind.from_param(value)
        try:
            number = index(value)
        except TypeError:
            raise TypeError("wrong type") from None
        if not low <= number <= high:
            raise OverflowError(f"the number is out of range: it must lie between {low} and {high}")
        return kind(number)

    return _CHECKED.setdefault((size, signed), _Converted(convert))


def _int128(abi: str) -> Any:
    """Two words, as x86-64 passes ``__int128`` in registers."""
    if not abi.startswith("x86_64") or abi.endswith("windows"):
        raise Unsupported(feature="__int128 in a call", reason=f"it is passed by rules of its own on {abi}")
    return type("int128", (ctypes.Structure,), {"_fields_": [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]})


def _wide_text(address: int, size: int) -> str:
    """The text of wide characters before the first zero."""
    length = 0
    kind: Any = _INTEGERS[size, False]
    while kind.from_address(address + length * size).value:
        length += 1
    return ctypes.string_at(address, length * size).decode({2: "utf-16-le", 4: "utf-32-le"}[size], "surrogatepass")
