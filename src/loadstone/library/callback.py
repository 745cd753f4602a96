"""A Python function that C can call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loadstone.library.ctypes_types import Types
from loadstone.library.prototype import Prototype

__all__ = ["make"]


def make(prototype: Prototype, function: Callable[..., Any]) -> Any:
    """A C function pointer of the declared type that calls ``function``.

    It must live for as long as C may call it: keep the result. C may call it from any thread. An exception in
    ``function`` cannot cross C: it is reported through ``sys.unraisablehook`` and what C
    gets as the result is undefined: catch what C must not be left to guess.

    >>> from loadstone.library.prototype import parse
    >>> make(parse("int twice(int)"), lambda number: number * 2)(21)
    42
    """
    pointer: Any = Types(prototype.records, prototype.text).function(prototype.type)(function)
    pointer.__doc__ = f"{prototype.type} calling {getattr(function, '__name__', function)!s}"
    return pointer
