"""Whether a call can be made through the optional extension, decided once, when a function or callback is declared.

``LOADSTONE_NO_FASTCALL=1`` in the environment turns the extension off; without it, or on another machine, every
function is a ctypes function and behaves the same.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

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
from loadstone.library.typed.carriers import words_of
from loadstone.library.typed.likeness import canonical, item_formats

try:
    from loadstone.library.typed import _fastcall
except ImportError:
    _fastcall = None  # type: ignore[assignment]  # not built, or not for this machine

if TYPE_CHECKING:
    from loadstone.library.typed.ctypes_types import CtypesTypes

__all__ = ["available", "callback", "is_function", "made"]

_INTEGERS: Final = {
    (1, True): "b",
    (1, False): "B",
    (2, True): "h",
    (2, False): "H",
    (4, True): "i",
    (4, False): "I",
    (8, True): "q",
    (8, False): "Q",
}

_SPECIAL: Final = (ctypes._SimpleCData, ctypes._Pointer, ctypes._CFuncPtr)  # type: ignore[attr-defined]  # noqa: SLF001
"""Of these C is given the value; of everything else that lends its memory, the memory."""

_UTF8: Final = frozenset(("utf-8", "utf8", "utf_8"))


def _reads_ctypes() -> bool:
    """Whether the memory of a ctypes object is where the extension looks for it; tried on one."""
    one = ctypes.c_longlong(1)
    return _fastcall is not None and _fastcall.memory_of(one) == ctypes.addressof(one)


_STRUCTS_DIRECT: Final = _reads_ctypes()


CALLBACK: Final[type[Any]] = getattr(_fastcall, "Callback", object)
"""The extension's type of callbacks, ``object`` where there is none."""


def available() -> bool:
    """Whether the extension is there and not turned off."""
    return _fastcall is not None and os.environ.get("LOADSTONE_NO_FASTCALL", "") in ("", "0")


def is_function(value: object) -> bool:
    """Whether it is a function of the extension; its ``code`` is where C finds it."""
    return _fastcall is not None and isinstance(value, _fastcall.Function)


def made(
    slow: Any,
    address: int,
    prototype: Prototype,
    types: CtypesTypes,
    parameters: Sequence[Any],
    *,
    owner: object,
    keep_gil: bool,
    capture_errno: bool,
    encoding: str | None,
) -> Callable[..., Any] | None:
    """The function at ``address`` as a fast callable, None when ctypes must call it.

    Args:
        slow: the ctypes function for the same address: it takes over for arguments that need its rules.
        address: of the code.
        prototype: its declaration.
        types: of the structs and pointers in it.
        parameters: the ``argtypes`` of ``slow``.
        owner: kept alive by the callable.
        keep_gil: hold the interpreter lock during the call.
        capture_errno: keep errno of each call for ``ctypes.get_errno()``.
        encoding: of text that is given and got as ``str``.
    """
    signature = prototype.type
    if not available() or signature.variadic or not address:
        return None
    kinds = [_parameter(p.type, encoding, types) for p in signature.parameters]
    result = _result(signature.result, encoding, types)
    if result is None or None in kinds:
        return None
    classes = [_accepted(p.type, given, types) for p, given in zip(signature.parameters, parameters, strict=True)]
    classes.append(_made(signature.result, result, types))
    try:
        return _fastcall.Function(
            address,
            slow,
            owner,
            types.life,
            _SPECIAL,
            prototype.name,
            slow.__doc__,
            result,
            "".join(kind for kind in kinds if kind),
            tuple(classes),
            keep_gil,
            ctypes.set_errno if capture_errno else None,
        )
    except BufferError:
        return None  # there are more arguments than places


def _scalar(kind: CType) -> str | None:
    match kind:
        case Integer(is_bool=True):
            return "?"
        case Integer(is_char=True):
            return "c"
        case Integer(is_wide=True):
            return "W" if kind.size == 4 else "w"
        case Integer() | Enumeration():
            return _INTEGERS.get((kind.size, kind.signed))
        case Real(name="float"):
            return "f"
        case Real(name="double"):
            return "d"
    return None


def _parameter(kind: CType, encoding: str | None, types: CtypesTypes) -> str | None:
    if isinstance(kind, Array):
        return _parameter(Pointer(kind.element, kind.const), encoding, types) if not kind.variable else None
    if isinstance(kind, StructOrUnion):
        return "R" if _STRUCTS_DIRECT and words_of(kind, types.layouts) not in ("", "r") else None
    if not isinstance(kind, Pointer):
        return _scalar(kind)
    target = kind.target
    if isinstance(target, Void):
        return "N" if kind.const else "V"
    if isinstance(target, Integer) and target.is_char and kind.const and encoding is not None:
        return "E" if encoding.lower() in _UTF8 else None
    if isinstance(target, Integer) and target.size == 1 and not target.is_bool:
        return "C" if kind.const else "P"
    return None if isinstance(target, FunctionType) and not available() else "T"


def _accepted(kind: CType, parameter: Any, types: CtypesTypes) -> Any:
    """What a parameter takes without more ado, and what it asks of the rest: see ``accept`` in the extension."""
    if isinstance(kind, StructOrUnion):
        return words_of(kind, types.layouts), types.layouts.size(kind), types.record(kind)
    least, static = 0, False
    if isinstance(kind, Array):
        least, static = (kind.length or 0) * types.layouts.size(kind.element), kind.static
        kind = Pointer(kind.element, kind.const)
    if not isinstance(kind, Pointer):
        return None
    same = other = record = signature = letters = None
    size, target = 0, kind.target
    if isinstance(target, FunctionType):
        signature = canonical(target)
    elif not isinstance(target, Void):
        same = types.pointer(kind)
        other = types.pointer(Pointer(target)) if kind.const else None
        if isinstance(target, StructOrUnion):
            enough = types.is_complete(target) and least <= types.layouts.size(target)
            record = types.record(target) if enough and _STRUCTS_DIRECT else None
        else:
            letters = item_formats(target)
            size = types.layouts.size(target) if letters else 0
    return same, other, record, signature, letters, size, least, static, parameter.address


def _result(kind: CType, encoding: str | None, types: CtypesTypes) -> str | None:
    match kind:
        case StructOrUnion() | Complex():
            return "R" if words_of(kind, types.layouts) else None
        case Void():
            return "v"
        case Pointer(target=Integer(is_char=True)):
            return "s" if encoding is None else "S" if encoding.lower() in _UTF8 else None
        case Pointer(target=Void()):
            return "p"
        case Pointer(target=FunctionType() | Integer(is_wide=True)):
            return None  # a function, or text to be decoded
        case Pointer():
            return "T"
    return _scalar(kind)


def callback(
    function: Callable[..., Any],
    kind: FunctionType,
    doc: str,
    types: CtypesTypes,
    *,
    made_of: type[Any],
    convert: Callable[[Any], Any],
    on_error: Callable[[BaseException], Any] | None,
    fallback: object,
) -> Any:
    """A C function pointer that calls ``function``; None when ctypes must make it.

    Args:
        function: called with the arguments.
        kind: what C calls.
        doc: how it is shown.
        types: of the structs and pointers in it.
        made_of: the class of what is returned, below which is the extension's.
        convert: makes a number, or the bytes of a struct, of a result that is no plain number.
        on_error: what C gets when ``function`` raises, None to report the exception.
        fallback: what C gets when nothing else came of it.
    """
    if not available() or made_of is object:
        return None
    kinds = [_given(p.type, types) for p in kind.parameters]
    result, words = _returned(kind.result, types)
    if result is None or None in kinds:
        return None
    classes = tuple(_made(p.type, letter, types) for letter, p in zip(kinds, kind.parameters, strict=True))
    letters = "".join(letter for letter in kinds if letter)
    if result == "R":
        fallback = bytes(types.layouts.size(kind.result)) if fallback is None else convert(fallback)
    try:
        return made_of(function, kind, doc, result, words, letters, classes, convert, types.life, on_error, fallback)
    except BufferError:
        return None  # there are more callbacks than stubs, or more arguments than are taken


def _given(kind: CType, types: CtypesTypes) -> str | None:
    if isinstance(kind, Array):
        kind = Pointer(kind.element, kind.const)
    return _result(kind, None, types)


def _made(kind: CType, letter: str | None, types: CtypesTypes) -> Any:
    """What makes a value from C: a class of pointers, or how a struct lies and what makes it of its bytes."""
    if isinstance(kind, (StructOrUnion, Complex)):
        return words_of(kind, types.layouts), types.layouts.size(kind), _maker(kind, types)
    if letter == "T" and isinstance(kind, (Pointer, Array)):
        return types.pointer(Pointer(kind.element, kind.const) if isinstance(kind, Array) else kind)
    return None


def _maker(kind: CType, types: CtypesTypes) -> Any:
    if isinstance(kind, StructOrUnion):
        record = types.record(kind)
        return record if _STRUCTS_DIRECT else record.from_buffer_copy
    codec = types.codec(kind)
    return lambda content: codec.read(content, 0)


def _returned(kind: CType, types: CtypesTypes) -> tuple[str | None, str]:
    """How a result goes back; of a struct its words."""
    if isinstance(kind, (StructOrUnion, Complex)):
        words = words_of(kind, types.layouts)
        return ("R" if words else None), words
    if isinstance(kind, Void):
        return "v", ""
    return ("p", "") if isinstance(kind, Pointer) else (_scalar(kind), "")
