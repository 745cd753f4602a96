"""A ctypes function that takes exactly the arguments of its prototype, and says what they are.

ctypes itself passes further arguments on, which C then ignores: a slip that nobody hears of. Those of a variadic
function are promoted as C does it: what cannot be is refused.
"""

from __future__ import annotations

import ctypes
from operator import index
from typing import TYPE_CHECKING, Any, Final

from loadstone.headers.types import Pointer, Prototype, Void
from loadstone.library.typed.lengths import variable_lengths
from loadstone.library.typed.life import Address, Life, closed
from loadstone.library.typed.pointer_arguments import address_of
from loadstone.library.typed.pointers import ArrayView, Ref

if TYPE_CHECKING:
    from inspect import Signature

    from loadstone.library.typed.ctypes_types import CtypesTypes

__all__ = ["counted", "guarded"]

_PROMOTED: Final = (ctypes.c_byte, ctypes.c_ubyte, ctypes.c_short, ctypes.c_ushort, ctypes.c_bool)


def counted(kind: Any, prototype: Prototype, types: CtypesTypes) -> Any:
    """The ctypes function type ``kind`` for one prototype."""
    count, name = len(prototype.type.parameters), prototype.name
    variadic, life = prototype.type.variadic, types.life
    lengths = variable_lengths(prototype.type, types.layouts.abi)

    def call(self: Any, *arguments: Any) -> Any:
        if len(arguments) < count or (len(arguments) > count and not variadic):
            plural = "" if count == 1 else "s"
            least = "at least " if variadic else ""
            raise TypeError(f"{name}() takes {least}{count} argument{plural} ({len(arguments)} given)")
        if variadic:
            arguments = (*arguments[:count], *(_promoted(value, types) for value in arguments[count:]))
        if not life.enter():
            life.leave()
            raise closed(f"{name}()", life)
        try:
            for number, length in lengths:
                _check_length(self, number, arguments[number], length(arguments))
            result = kind.__call__(self, *arguments)
        except OverflowError as error:  # of an argument: PyPy's ctypes leaves it as it is
            raise ctypes.ArgumentError(str(error)) from error
        finally:
            life.leave()
        convert = self.__dict__.get("convert")
        return result if convert is None else convert(result)

    def refuse(self: Any) -> Any:
        raise TypeError(f"{self!r} cannot be copied or pickled: it is an address in this process")

    members: dict[str, Any] = {word: getattr(kind, word) for word in ("_flags_", "_restype_", "_argtypes_")}
    members |= {
        "__repr__": lambda self: f"<C function {self.__doc__}>",
        "__reduce__": refuse,
        "__signature__": property(lambda _self: _signature(prototype)),
        "__call__": call,
        "signature": prototype.type,
        "code": property(lambda self: ctypes.cast(self, ctypes.c_void_p).value or 0),
        "pointer": property(lambda self: self),
    }
    return type(kind)(kind.__name__, (kind,), members)


def _check_length(function: Any, number: int, value: Any, least: int) -> None:
    """Refuse an array that is shorter than the call says, in the words that ctypes has for an argument."""
    try:
        function.argtypes[number].check(value, least)
    except (TypeError, ValueError) as error:
        raise ctypes.ArgumentError(f"argument {number + 1}: {type(error).__name__}: {error}") from error


def _promoted(value: Any, types: CtypesTypes) -> Any:
    """A further argument of a variadic function as C passes it (C17 6.5.2.2), which has no prototype for it."""
    if isinstance(value, ctypes.c_float):
        return ctypes.c_double(value.value)
    if isinstance(value, _PROMOTED):
        return ctypes.c_int(value.value)
    if isinstance(value, ctypes.c_char):
        return ctypes.c_int(int.from_bytes(value.value, "little", signed=types.layouts.abi.char_signed))
    if isinstance(value, bool):
        return ctypes.c_int(value)
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, float):
        return ctypes.c_double(value)
    if value is None or isinstance(value, bytes):
        return ctypes.c_char_p(value)
    if isinstance(value, (ctypes.Structure, ctypes.Union)):
        raise TypeError("a struct as a further argument: pass a pointer to it")
    if (number := _number(value)) is not None:
        return number
    if isinstance(value, (Address, Ref, ArrayView)) or not isinstance(
        value,
        (ctypes._SimpleCData, ctypes._Pointer, ctypes.Array, ctypes._CFuncPtr, type(ctypes.byref(ctypes.c_int()))),  # type: ignore[attr-defined]  # noqa: SLF001
    ):
        address, kept = address_of(types, Pointer(Void()), value)
        made: Any = _Kept(address)
        made.kept = kept
        return made
    return value


def _number(value: Any) -> Any:
    """A number of another class than Python's: numpy's lend their memory too, and are no pointers for that."""
    from numbers import Integral, Real  # noqa: PLC0415  asked for seldom

    if isinstance(value, Integral):
        return _whole(index(value))
    return ctypes.c_double(float(value)) if isinstance(value, Real) else None


class _Kept(ctypes.c_void_p):
    """An address, with what must live until the call is over."""


def _whole(value: int) -> Any:
    """A number as the widest type, so that C reads ``int`` and ``long long`` of it alike; refused where it cannot."""
    wide = ctypes.sizeof(ctypes.c_void_p) == 8
    if wide and -(1 << 63) <= value < 1 << 63:
        return ctypes.c_longlong(value)
    if wide and 0 <= value < 1 << 64:
        return ctypes.c_ulonglong(value)
    if not wide and -(1 << 31) <= value < 1 << 31:
        return ctypes.c_int(value)
    raise OverflowError(f"{value} does not fit a further argument: say its type, as in ctypes.c_longlong(...)")


def _signature(prototype: Prototype) -> Signature:
    """Names and C types, for ``help()`` and editors."""
    from inspect import Parameter, Signature  # noqa: PLC0415  heavy, and asked for by people only

    given: list[Parameter] = []
    for number, parameter in enumerate(prototype.type.parameters):
        name = parameter.name if parameter.name.isidentifier() else f"argument_{number + 1}"
        given.append(Parameter(name, Parameter.POSITIONAL_ONLY, annotation=str(parameter.type)))
    if prototype.type.variadic:
        given.append(Parameter("more", Parameter.VAR_POSITIONAL))
    return Signature(given, return_annotation=str(prototype.type.result))


def guarded(kind: Any, name: str, life: Life) -> Any:
    """A ctypes function type whose calls are counted, and refused once its library is closed."""

    def call(self: Any, *arguments: Any) -> Any:
        if not life.enter():
            life.leave()
            raise closed(f"{name}()", life)
        try:
            return kind.__call__(self, *arguments)
        finally:
            life.leave()

    members: dict[str, Any] = {word: getattr(kind, word) for word in ("_flags_", "_restype_", "_argtypes_")}
    return type(kind)(kind.__name__, (kind,), members | {"__call__": call})
