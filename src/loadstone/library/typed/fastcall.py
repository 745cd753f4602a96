"""Whether a function can be called through the optional extension, decided once, when it is declared.

``LOADSTONE_NO_FASTCALL=1`` in the environment turns the extension off; without it, or on another machine, every
function is a ctypes function and behaves the same.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Any, Final

from loadstone.library.typed.prototype import Array, CType, Enumeration, Integer, Pointer, Prototype, Real, Void

try:
    from loadstone.library.typed import _fastcall
except ImportError:
    _fastcall = None  # type: ignore[assignment]  # not built, or not for this machine

__all__ = ["available", "is_function", "made"]

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


def available() -> bool:
    """Whether the extension is there and not turned off."""
    return _fastcall is not None and os.environ.get("LOADSTONE_NO_FASTCALL", "") in ("", "0")


def is_function(value: object) -> bool:
    """Whether it is a function of the extension; its ``pointer`` is what C is given for it."""
    return _fastcall is not None and isinstance(value, _fastcall.Function)


def made(slow: Any, address: int, prototype: Prototype, *, owner: object, keep_gil: bool) -> Callable[..., Any] | None:
    """The function at ``address`` as a fast callable, None when ctypes must call it.

    Args:
        slow: the ctypes function for the same address: it takes over for arguments that need its rules.
        address: of the code.
        prototype: its declaration.
        owner: kept alive by the callable.
        keep_gil: hold the interpreter lock during the call.
    """
    signature = prototype.type
    if not available() or signature.variadic or not address:
        return None
    kinds = [_parameter(p.type) for p in signature.parameters]
    result = _result(signature.result)
    if result is None or None in kinds or not _fit(kinds):
        return None
    letters = "".join(kind for kind in kinds if kind)
    return _fastcall.Function(address, slow, owner, _SPECIAL, prototype.name, slow.__doc__, result, letters, keep_gil)


def _fit(kinds: list[str | None]) -> bool:
    """Whether there is a register or a stack word for each."""
    floats = sum(kind in ("f", "d") for kind in kinds)
    on_stack = max(0, len(kinds) - floats - _fastcall.INTEGERS) + max(0, floats - _fastcall.FLOATS)
    return on_stack <= _fastcall.STACK


def _parameter(kind: CType) -> str | None:
    match kind:
        case Integer(is_bool=True):
            return "?"
        case Integer(is_char=True):
            return "c"
        case Integer():
            return _INTEGERS[kind.size, kind.signed]
        case Enumeration():
            return "i"
        case Real(size=4):
            return "f"
        case Real(size=8):
            return "d"
        case Pointer() | Array(at_least=0):
            return "C" if kind.const else "P"
    return None


def _result(kind: CType) -> str | None:
    match kind:
        case Void():
            return "v"
        case Integer(is_char=True):
            return "c"
        case Pointer(target=Integer(is_char=True)):
            return "s"
        case Pointer(target=Void()):
            return "p"
        case Pointer():
            return None  # a typed pointer object, which ctypes makes
    return _parameter(kind)
