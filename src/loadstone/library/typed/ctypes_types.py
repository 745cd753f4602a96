"""The types of one set of declarations at work: what Python gives for a C value, and what C is given for a Python one.

One place decides what a pointer parameter takes: None, a pointer of its own type, a struct, an array, a place for an
out-parameter (:func:`ref`), a buffer whose items are of that type, bytes where C promises not to write. ``void *``
takes all of them. Anything else is refused with what would be taken.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

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
from loadstone.library.typed import fastcall
from loadstone.library.typed.carriers import check_by_value, of_complex
from loadstone.library.typed.codecs import ArrayCodec, PointerCodec, RecordCodec
from loadstone.library.typed.life import Address, Life
from loadstone.library.typed.likeness import alike, callable_as, is_char_pointer, is_text, letter_of
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
from loadstone.library.typed.pointers import ArrayView, Ref, TypedPointer, pointer_class
from loadstone.library.typed.records import RecordBase, record_class
from loadstone.quick_dataclass import dataclass

__all__ = ["CtypesTypes", "Passed", "is_text"]

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
_SIMPLE: Final = ctypes._SimpleCData  # noqa: SLF001
_CTYPES_POINTER: Final = ctypes._Pointer  # noqa: SLF001
_CTYPES_FUNCTION: Final = ctypes._CFuncPtr  # type: ignore[attr-defined]  # noqa: SLF001
_UNTYPED: Final = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_wchar_p)
_REFERENCE: Final = type(ctypes.byref(ctypes.c_int()))
_RAW: Final = frozenset(("B", "b", "c", "<B", "<b", "<c"))


class Passed(ctypes.c_void_p):
    """An address on its way to C, with what must live until the call is over."""

    kept: object


@dataclass(frozen=True, slots=True)
class _Item:
    """What a pointer parameter points to, as far as checking needs it: item size, and integer or floating."""

    size: int
    kind: str  # i, u, f, c (any byte), ? or nothing for records and pointers


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
            address, _ = self.address(Pointer(Void(), const=True), value)
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

    def address(self, kind: Pointer, value: Any, encoding: str | None = None) -> tuple[int, object]:
        """The address C is given for a Python value, and what must live as long as it is used.

        Raises:
            TypeError: it is not a pointer of that type, and says what would be taken.
            ValueError: text with a NUL in it, a buffer that does not hold whole items.
            Closed: it points into a library that was closed.
        """
        if value is None:
            return 0, None
        target = kind.target
        if isinstance(value, Address):
            return self._typed(kind, value)
        if isinstance(value, Ref):
            if isinstance(target, Void) and value.kind is None:
                raise TypeError("a place needs a type: give it to a function that takes a typed pointer first")
            bound = value if isinstance(target, Void) else value.bound(target, self)
            return bound.address, bound
        if isinstance(value, RecordBase):
            self._same_record(target, value)
            return ctypes.addressof(value), value
        if isinstance(value, ArrayView):
            return self._array(kind, value)
        if isinstance(value, str):
            return self._text_address(kind, value, encoding)
        if isinstance(target, FunctionType):
            return self._function(target, value)
        if isinstance(value, int):
            if not isinstance(target, Void):
                raise TypeError(
                    f"{kind} takes no number: an address without a type is a mistake waiting; "
                    f"cast('{kind}', address) makes a pointer of it"
                )
            if value < 0 or value >> 8 * ctypes.sizeof(ctypes.c_void_p):
                raise OverflowError(f"{value} is not an address")
            return value, None
        return self._foreign(kind, value)

    def _typed(self, kind: Pointer, value: Any) -> tuple[int, object]:
        given: Pointer = value.kind
        if not isinstance(kind.target, Void) and not self._same(kind.target, given.target):
            if not isinstance(given.target, Void):
                raise TypeError(f"a {given} is given where C wants a {kind}")
        elif given.const and not kind.const and not isinstance(kind.target, (Void, FunctionType)):
            raise TypeError(f"a {given} is given where C wants to write: a {kind}")
        return value.live(), value

    def _same(self, wanted: CType, given: CType) -> bool:
        """Whether two types are one: by structure for scalars, by tag for structs."""
        if isinstance(wanted, StructOrUnion) and isinstance(given, StructOrUnion):
            return str(wanted) == str(given) or (wanted.tag == given.tag and not wanted.tag.startswith("("))
        if isinstance(wanted, Integer) and isinstance(given, Integer):
            return alike(wanted) == alike(given)
        if isinstance(wanted, Pointer) and isinstance(given, Pointer):
            return wanted.const == given.const and self._same(wanted.target, given.target)
        return wanted == given or str(wanted) == str(given)

    def _same_record(self, target: CType, value: RecordBase) -> None:
        if isinstance(target, Void):
            return
        if isinstance(target, StructOrUnion) and self.is_complete(target) and isinstance(value, self.record(target)):
            return
        if isinstance(target, StructOrUnion) and type(value).__name__ in (target.tag, target.alias):
            return
        raise TypeError(f"a {type(value).__name__} is given where C wants a pointer to {target}")

    def _array(self, kind: Pointer, value: ArrayView) -> tuple[int, object]:
        if not isinstance(kind.target, Void) and not self._same(kind.target, value.element):
            raise TypeError(f"an array of {value.element} is given where C wants a {kind}")
        if value.is_const and not kind.const:
            raise TypeError("C may write through this pointer and the array is const")
        return value.address, value

    def _text_address(self, kind: Pointer, value: str, encoding: str | None) -> tuple[int, object]:
        target = kind.target
        if isinstance(target, Integer) and target.is_wide and kind.const:
            if "\0" in value:
                raise ValueError("the text has a NUL in it, and C would take that for its end")
            name = {2: "utf-16-le", 4: "utf-32-le"}[target.size]
            content = ctypes.create_string_buffer((value + "\0").encode(name))
            return ctypes.addressof(content), content
        if encoding is None or not is_text(kind):
            raise TypeError("a pointer takes bytes, not str: encode the text first, as in name.encode()")
        if "\0" in value:
            raise ValueError("the text has a NUL in it, and C would take that for its end")
        return self._bytes(value.encode(encoding))

    @staticmethod
    def _bytes(value: bytes) -> tuple[int, object]:
        holder = ctypes.c_char_p(value)
        return ctypes.cast(holder, ctypes.c_void_p).value or 0, (value, holder)

    def _function(self, target: FunctionType, value: Any) -> tuple[int, object]:
        """The code behind a callback or a function; its type must be the one that is wanted."""
        given = getattr(value, "kind", None) or getattr(value, "signature", None)
        if isinstance(given, FunctionType) and not callable_as(target, given):
            raise TypeError(f"a function of type {given} is given where C wants {target}")
        if fastcall.is_function(value):
            return value.code, value
        if hasattr(value, "code"):
            return int(value.code), value
        if isinstance(value, _CTYPES_FUNCTION):
            return ctypes.cast(value, ctypes.c_void_p).value or 0, value
        if callable(value):
            raise TypeError("C needs a function pointer: make one with callback() and keep it as long as C may call it")
        raise TypeError(f"a function pointer takes None, a callback or a C function, not {type(value).__name__}")

    def _foreign(self, kind: Pointer, value: Any) -> tuple[int, object]:
        """bytes, objects of ctypes, and whatever lends its memory."""
        if isinstance(value, bytes):
            if not kind.const:
                raise TypeError("C may write through this pointer and bytes cannot change: pass a bytearray")
            self._whole(kind, len(value) if not is_char_pointer(kind) else 1, value)
            return self._bytes(value)
        if isinstance(value, _REFERENCE):
            self._ctypes_type(kind, type(value._obj))  # type: ignore[attr-defined]  # noqa: SLF001  what byref() refers to
            return ctypes.cast(value, ctypes.c_void_p).value or 0, value
        nested = isinstance(kind.target, Pointer)
        if isinstance(value, _UNTYPED) and not nested:
            return ctypes.cast(value, ctypes.c_void_p).value or 0, value
        if isinstance(value, _CTYPES_POINTER):
            self._ctypes_type(kind, type(value)._type_)
            return ctypes.cast(value, ctypes.c_void_p).value or 0, value
        if isinstance(value, _CTYPES_FUNCTION):
            if not isinstance(kind.target, Void):
                raise TypeError(f"a function pointer is given where C wants a {kind}")
            return ctypes.cast(value, ctypes.c_void_p).value or 0, value
        if isinstance(value, (_SIMPLE, ctypes.Structure, ctypes.Union)):
            self._ctypes_type(kind, type(value))
            return ctypes.addressof(value), value
        if isinstance(value, ctypes.Array):
            self._ctypes_type(kind, type(value)._type_)
            return ctypes.addressof(value), value
        if fastcall.is_function(value) and isinstance(kind.target, Void):
            return value.code, value
        if isinstance(getattr(value, "kind", None), FunctionType) and not isinstance(kind.target, Void):
            raise TypeError(f"a callback is given where C wants a {kind}")
        if hasattr(value, "_as_parameter_"):
            return self.address(kind, value._as_parameter_)
        return self._buffer(kind, value)

    def _ctypes_type(self, kind: Pointer, given: Any) -> None:
        """Whether a ctypes type is what the pointer points to."""
        target = kind.target
        if isinstance(target, Void):
            return
        if isinstance(target, Pointer):
            good = issubclass(given, (*_UNTYPED, _CTYPES_POINTER, _CTYPES_FUNCTION))
        elif isinstance(target, StructOrUnion):
            good = issubclass(given, (ctypes.Structure, ctypes.Union)) and (
                not self.is_complete(target) or ctypes.sizeof(given) == self.layouts.size(target)
            )
        else:
            if issubclass(given, ctypes.Array):
                given = given._type_
            item = self.item(target)
            code = getattr(given, "_type_", "")
            found = _Item(ctypes.sizeof(given), letter_of(code if isinstance(code, str) else ""))
            good = item.size == found.size and (item.kind == found.kind or item.size == 1)
        if not good:
            raise TypeError(f"a {getattr(given, '__name__', given)} is given where C wants a {kind}")

    def item(self, target: CType) -> _Item:
        """What a buffer for that pointer must hold."""
        match target:
            case Integer(is_bool=True):
                return _Item(1, "?")
            case Integer() | Enumeration():
                return _Item(target.size, "i" if target.signed else "u")
            case Real():
                return _Item(target.size, "f")
            case Array():
                return self.item(target.element)
            case StructOrUnion() if not self.is_complete(target):
                return _Item(0, "opaque")
            case Void() | FunctionType():
                return _Item(1, "c")
        return _Item(self.layouts.size(target), "")

    def _whole(self, kind: Pointer, size: int, value: Any) -> None:
        """Whether so many raw bytes are a whole number of items, and at least one."""
        item = self.item(kind.target)
        if item.kind == "opaque":
            raise TypeError(f"{kind} is opaque: it takes only what the library gave out, not {type(value).__name__}")
        if item.size > 1 and (size == 0 or size % item.size):
            raise ValueError(f"the buffer has {size} bytes, and items of {kind.target} have {item.size} each")

    def _buffer(self, kind: Pointer, value: Any) -> tuple[int, object]:
        try:
            view = memoryview(value)
        except TypeError:
            raise TypeError(
                f"{kind} takes None, a pointer of its type, a buffer, a struct or a place (ref()), "
                f"not {type(value).__name__}"
            ) from None
        if not view.c_contiguous:
            raise TypeError("the buffer is not contiguous, so C cannot read it: copy it first")
        if view.readonly and not kind.const:
            raise TypeError("C may write through this pointer and the buffer is read-only: pass a writable one")
        if not isinstance(kind.target, Void):
            self._items(kind, view)
        if view.readonly:
            return self._bytes(view.tobytes())
        content = (ctypes.c_char * view.nbytes).from_buffer(view.cast("B") if view.nbytes else value)
        return ctypes.addressof(content), content

    def _items(self, kind: Pointer, view: memoryview) -> None:
        """Whether a buffer's items are what the pointer points to; raw bytes are taken as whole items."""
        item = self.item(kind.target)
        if view.format in _RAW and view.itemsize == 1:
            self._whole(kind, view.nbytes, view.obj)
            return
        letter = letter_of((view.format or "B").lstrip("<=@"))
        kinds = {"": ("u", "P") if isinstance(kind.target, Pointer) else ("}",)}.get(item.kind, (item.kind,))
        good = item.size == view.itemsize and (letter in kinds or item.size == 1)
        if good and not view.nbytes and not kind.const and item.size > 1:
            raise ValueError(f"the buffer is empty, and C may write a {kind.target} there")
        if not good or item.kind == "opaque":
            raise TypeError(
                f"a buffer of items {view.format!r} ({view.itemsize} bytes) is given where C wants a {kind}"
            )

    # -- calls -----------------------------------------------------------------------------------------------------

    def parameter(self, kind: CType, encoding: str | None = None) -> Any:
        """What converts an argument of that type: an ``argtypes`` entry. ``encoding`` is of ``str`` given as text."""
        match kind:
            case Array():
                return _PointerParameter(self, Pointer(kind.element, kind.const), encoding, kind.at_least)
            case Pointer():
                return _PointerParameter(self, kind, encoding, 0)
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
                if kind.name not in ("float", "double", "long double"):
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
    """An ``argtypes`` entry of a pointer; ``least`` items are what ``[static n]`` demands."""

    __slots__ = ("_encoding", "_kind", "_least", "_types")

    def __init__(self, types: CtypesTypes, kind: Pointer, encoding: str | None, least: int) -> None:
        self._types = types
        self._kind = kind
        self._encoding = encoding
        self._least = least

    def from_param(self, value: Any) -> Any:
        if self._least:
            self._enough(value)
        address, kept = self._types.address(self._kind, value, self._encoding)
        made = Passed(address)
        made.kept = kept
        return made

    def _enough(self, value: Any) -> None:
        """C promises itself so many items, and None is no array."""
        least = self._least * self._types.layouts.size(self._kind.target)
        size = _size_of(value)
        if size is not None and size < least:
            raise ValueError(f"the buffer has {size} bytes and the function needs at least {least}")


def _size_of(value: Any) -> int | None:
    """Bytes behind what is passed, None where nobody knows: a pointer."""
    if value is None:
        return 0
    if isinstance(value, ArrayView):
        return value.nbytes
    if isinstance(value, Ref):
        return value.codec.size if value.codec else None
    if isinstance(value, (int, Address, _REFERENCE, _CTYPES_POINTER, *_UNTYPED)):
        return None
    try:
        return memoryview(value).nbytes
    except TypeError:
        return None  # refused afterwards, in its own words


_CHECKED: dict[tuple[int, bool], _Converted] = {}


def _checked(size: int, signed: bool) -> _Converted:
    """An integer parameter that refuses what does not fit, where ctypes would cut it."""
    kind: Any = _INTEGERS[size, signed]
    low, high = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if signed else (0, (1 << 8 * size) - 1)

    def convert(value: Any) -> Any:
        if isinstance(value, int) and not low <= value <= high:
            raise OverflowError(f"the number is out of range: it must lie between {low} and {high}")
        return kind.from_param(value)

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
