"""What C is given for a pointer: the address of what Python passes, and what must live as long as that is used.

One place decides what a pointer parameter takes: None, a pointer of its own type, a struct, an array, a place for an
out-parameter (:func:`ref`), a buffer whose items are of that type, bytes where C promises not to write. ``void *``
takes all of them. Anything else is refused with what would be taken.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any, Final

from loadstone.headers.types import (
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
from loadstone.library.typed import fastcall
from loadstone.library.typed.life import Address
from loadstone.library.typed.likeness import alike, callable_as, is_char_pointer, is_text, letter_of, letter_of_items
from loadstone.library.typed.pointers import ArrayView, Ref
from loadstone.library.typed.records import RecordBase
from loadstone.quick_dataclass import dataclass

if TYPE_CHECKING:
    from loadstone.library.typed.ctypes_types import CtypesTypes

__all__ = ["REFERENCE", "address_in_ctypes", "address_of", "size_of"]

_SIMPLE: Final = ctypes._SimpleCData  # noqa: SLF001
_CTYPES_POINTER: Final = ctypes._Pointer  # noqa: SLF001
_CTYPES_FUNCTION: Final = ctypes._CFuncPtr  # type: ignore[attr-defined]  # noqa: SLF001
_UNTYPED: Final = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_wchar_p)
REFERENCE: Final = type(ctypes.byref(ctypes.c_int()))
"""The class of what ``byref()`` gives."""
_NATIVE: Final = "__ctype_le__" if sys.byteorder == "little" else "__ctype_be__"
"""Where a ctypes number has its like in this machine's byte order: itself, when that is its own."""
_SWAPPED: Final = tuple(
    {ctypes.BigEndianStructure, ctypes.BigEndianUnion, ctypes.LittleEndianStructure, ctypes.LittleEndianUnion}
    - {ctypes.Structure, ctypes.Union}
)
_RAW: Final = frozenset(("B", "b", "c", "<B", "<b", "<c"))


@dataclass(frozen=True, slots=True)
class _Item:
    """What a pointer parameter points to, as far as checking needs it: item size, and integer or floating."""

    size: int
    kind: str  # i, u, f, c (any byte), ? or nothing for records and pointers


def address_of(types: CtypesTypes, kind: Pointer, value: Any, encoding: str | None = None) -> tuple[int, object]:
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
        return _typed(kind, value)
    if isinstance(value, Ref):
        if isinstance(target, Void) and value.kind is None:
            raise TypeError("a place needs a type: give it to a function that takes a typed pointer first")
        bound = value if isinstance(target, Void) else value.bound(target, types)
        return bound.address, bound
    if isinstance(value, RecordBase):
        _same_record(types, target, value)
        if "_const_" in value.__dict__ and not kind.const and not isinstance(target, Void):
            raise TypeError("C may write through this pointer and the struct is const")
        return ctypes.addressof(value), value
    if isinstance(value, ArrayView):
        return _array(kind, value)
    if isinstance(value, str):
        return _text(kind, value, encoding)
    if isinstance(target, FunctionType):
        return _function(target, value)
    if isinstance(value, int):
        if not isinstance(target, Void):
            raise TypeError(
                f"{kind} takes no number: an address without a type is a mistake waiting; "
                f"cast('{kind}', address) makes a pointer of it"
            )
        if value < 0 or value >> 8 * ctypes.sizeof(ctypes.c_void_p):
            raise OverflowError(f"{value} is not an address")
        return value, None
    return _foreign(types, kind, value)


def _typed(kind: Pointer, value: Any) -> tuple[int, object]:
    given: Pointer = value.kind
    if not isinstance(kind.target, Void) and not _is_same(kind.target, given.target):
        if not isinstance(given.target, Void):
            raise TypeError(f"a {given} is given where C wants a {kind}")
    elif given.const and not kind.const and not isinstance(kind.target, (Void, FunctionType)):
        raise TypeError(f"a {given} is given where C wants to write: a {kind}")
    return value.live(), value


def _is_same(wanted: CType, given: CType) -> bool:
    """Whether two types are one: by structure for scalars, by tag for structs."""
    if isinstance(wanted, StructOrUnion) and isinstance(given, StructOrUnion):
        return str(wanted) == str(given) or (wanted.tag == given.tag and not wanted.tag.startswith("("))
    if isinstance(wanted, Integer) and isinstance(given, Integer):
        return alike(wanted) == alike(given)
    if isinstance(wanted, Pointer) and isinstance(given, Pointer):
        return wanted.const == given.const and _is_same(wanted.target, given.target)
    return wanted == given or str(wanted) == str(given)


def _same_record(types: CtypesTypes, target: CType, value: RecordBase) -> None:
    if isinstance(target, Void):
        return
    if isinstance(target, StructOrUnion) and types.is_complete(target) and isinstance(value, types.record(target)):
        return
    if isinstance(target, StructOrUnion) and type(value).__name__ in (target.tag, target.alias):
        return
    raise TypeError(f"a {type(value).__name__} is given where C wants a pointer to {target}")


def _array(kind: Pointer, value: ArrayView) -> tuple[int, object]:
    if not isinstance(kind.target, Void) and not _is_same(kind.target, value.element):
        raise TypeError(f"an array of {value.element} is given where C wants a {kind}")
    if value.is_const and not kind.const:
        raise TypeError("C may write through this pointer and the array is const")
    return value.address, value


def _text(kind: Pointer, value: str, encoding: str | None) -> tuple[int, object]:
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
    return _bytes(value.encode(encoding))


def _bytes(value: bytes) -> tuple[int, object]:
    holder = ctypes.c_char_p(value)
    return ctypes.c_size_t.from_buffer(holder).value, (value, holder)


def _function(target: FunctionType, value: Any) -> tuple[int, object]:
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


def address_in_ctypes(value: Any) -> int:
    """Where the memory of a ctypes object lies, or what ``byref()`` of one points to."""
    if isinstance(value, REFERENCE):
        return ctypes.cast(value, ctypes.c_void_p).value or 0
    return ctypes.addressof(value)


def _foreign(types: CtypesTypes, kind: Pointer, value: Any) -> tuple[int, object]:
    """bytes, objects of ctypes, and whatever lends its memory."""
    if isinstance(value, bytes):
        if not kind.const:
            raise TypeError("C may write through this pointer and bytes cannot change: pass a bytearray")
        _whole(types, kind, len(value) if not is_char_pointer(kind) else 1, value)
        return _bytes(value)
    if isinstance(value, REFERENCE):
        _ctypes_type(types, kind, type(value._obj))  # type: ignore[attr-defined]  # noqa: SLF001  what byref() refers to
        return address_in_ctypes(value), value
    nested = isinstance(kind.target, Pointer)
    if isinstance(value, _UNTYPED) and not nested:
        return ctypes.cast(value, ctypes.c_void_p).value or 0, value
    if isinstance(value, _CTYPES_POINTER):
        _ctypes_type(types, kind, type(value)._type_)
        return ctypes.cast(value, ctypes.c_void_p).value or 0, value
    if isinstance(value, _CTYPES_FUNCTION):
        if not isinstance(kind.target, Void):
            raise TypeError(f"a function pointer is given where C wants a {kind}")
        return ctypes.cast(value, ctypes.c_void_p).value or 0, value
    if isinstance(value, (_SIMPLE, ctypes.Structure, ctypes.Union)):
        _ctypes_type(types, kind, type(value))
        return address_in_ctypes(value), value
    if isinstance(value, ctypes.Array):
        _ctypes_type(types, kind, type(value)._type_)
        return ctypes.addressof(value), value
    if fastcall.is_function(value) and isinstance(kind.target, Void):
        return value.code, value
    if isinstance(getattr(value, "kind", None), FunctionType) and not isinstance(kind.target, Void):
        raise TypeError(f"a callback is given where C wants a {kind}")
    if hasattr(value, "_as_parameter_"):
        return address_of(types, kind, value._as_parameter_)
    return _buffer(types, kind, value)


def _ctypes_type(types: CtypesTypes, kind: Pointer, given: Any) -> None:
    """Whether a ctypes type is what the pointer points to."""
    target = kind.target
    if isinstance(target, Void):
        return
    if issubclass(given, _SWAPPED) or getattr(given, _NATIVE, given) is not given:
        good = False
    elif isinstance(target, Pointer):
        good = issubclass(given, (*_UNTYPED, _CTYPES_POINTER, _CTYPES_FUNCTION))
    elif isinstance(target, StructOrUnion):
        good = issubclass(given, (ctypes.Structure, ctypes.Union)) and (
            not types.is_complete(target) or ctypes.sizeof(given) == types.layouts.size(target)
        )
    else:
        if issubclass(given, ctypes.Array):
            given = given._type_
        item = _item(types, target)
        code = getattr(given, "_type_", "")
        found = _Item(ctypes.sizeof(given), letter_of(code if isinstance(code, str) else ""))
        good = item.size == found.size and (item.kind == found.kind or item.size == 1)
    if not good:
        raise TypeError(f"a {getattr(given, '__name__', given)} is given where C wants a {kind}")


def _item(types: CtypesTypes, target: CType) -> _Item:
    """What a buffer for that pointer must hold."""
    match target:
        case Integer(is_bool=True):
            return _Item(1, "?")
        case Integer() | Enumeration():
            return _Item(target.size, "i" if target.signed else "u")
        case Real():
            return _Item(target.size, "f")
        case Array():
            return _item(types, target.element)
        case StructOrUnion() if not types.is_complete(target):
            return _Item(0, "opaque")
        case Void() | FunctionType():
            return _Item(1, "c")
    return _Item(types.layouts.size(target), "")


def _whole(types: CtypesTypes, kind: Pointer, size: int, value: Any) -> None:
    """Whether so many raw bytes are a whole number of items, and at least one."""
    item = _item(types, kind.target)
    if item.kind == "opaque":
        raise TypeError(f"{kind} is opaque: it takes only what the library gave out, not {type(value).__name__}")
    if item.size > 1 and (size == 0 or size % item.size):
        raise ValueError(f"the buffer has {size} bytes, and items of {kind.target} have {item.size} each")


def _buffer(types: CtypesTypes, kind: Pointer, value: Any) -> tuple[int, object]:
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
        _items(types, kind, view)
    if view.readonly:
        return _bytes(view.tobytes())
    content = (ctypes.c_char * view.nbytes).from_buffer(view.cast("B") if view.nbytes else value)
    return ctypes.addressof(content), content


def _items(types: CtypesTypes, kind: Pointer, view: memoryview) -> None:
    """Whether a buffer's items are what the pointer points to; raw bytes are taken as whole items."""
    item = _item(types, kind.target)
    if view.format in _RAW and view.itemsize == 1:
        _whole(types, kind, view.nbytes, view.obj)
        return
    letter = letter_of_items(view.format)
    kinds = {"": ("u", "P") if isinstance(kind.target, Pointer) else ("}",)}.get(item.kind, (item.kind,))
    good = item.size == view.itemsize and (letter in kinds or item.size == 1)
    if good and not view.nbytes and not kind.const and item.size > 1:
        raise ValueError(f"the buffer is empty, and C may write a {kind.target} there")
    if not good or item.kind == "opaque":
        raise TypeError(f"a buffer of items {view.format!r} ({view.itemsize} bytes) is given where C wants a {kind}")


def size_of(value: Any, kept: object) -> int | None:
    """How many bytes lie behind what is passed; None where nobody knows: a pointer.

    Args:
        value: of an argument.
        kept: what :func:`address_of` keeps for it.
    """
    if isinstance(value, ArrayView):
        return value.nbytes
    if isinstance(value, Ref):
        return value.codec.size if value.codec else None
    if isinstance(value, str):  # its bytes, and the zero behind them
        return len(kept[0]) + 1 if isinstance(kept, tuple) else ctypes.sizeof(kept)  # type: ignore[arg-type]
    if isinstance(value, (int, Address, REFERENCE, _CTYPES_POINTER, *_UNTYPED)):
        return None
    try:
        return memoryview(value).nbytes
    except TypeError:
        return None  # an object that stands for a pointer
