"""A Python function that C can call."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from loadstone.library.typed.ctypes_types import CtypesTypes
from loadstone.library.typed.prototype import CType, Integer, Pointer, Prototype, Void

__all__ = ["make"]


def make(prototype: Prototype, function: Callable[..., Any]) -> Any:
    """A C function pointer of the declared type that calls ``function``.

    It must live for as long as C may call it: keep the result. C may call it from any thread. An exception in
    ``function`` cannot cross C: it is reported through ``sys.unraisablehook``, and C gets a zero.

    >>> from loadstone.library.typed.prototype import parse
    >>> make(parse("int twice(int)"), lambda number: number * 2)(21)
    42
    """
    kind = CtypesTypes(prototype.records, prototype.text).function(prototype.type)
    pointer: Any = kind(_guarded(function, prototype))
    pointer.__doc__ = f"{prototype.type} calling {getattr(function, '__name__', function)!s}"
    return pointer


def _guarded(function: Callable[..., Any], prototype: Prototype) -> Callable[..., Any]:
    """``function`` with its exceptions reported and a zero in their place: ctypes would give C whatever was there."""
    zero = None if isinstance(prototype.result, (Void, Pointer)) else b"\0" if _is_char(prototype.result) else 0

    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except BaseException as error:  # noqa: BLE001 - nothing may unwind through C, KeyboardInterrupt neither
            sys.unraisablehook(_Report(type(error), error, error.__traceback__, None, function))
            return zero

    return call


def _is_char(kind: CType) -> bool:
    return isinstance(kind, Integer) and kind.is_char


@dataclass(slots=True)
class _Report:
    """What ``sys.unraisablehook`` is given; its own type cannot be made from Python."""

    exc_type: type[BaseException]
    exc_value: BaseException | None
    exc_traceback: TracebackType | None
    err_msg: str | None
    object: Any
