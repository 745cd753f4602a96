"""When one C type may stand for another in a call, and what kind of text or number a type is. Pure."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Final

from loadstone.headers.types import (
    Array,
    CType,
    Enumeration,
    FunctionParameter,
    FunctionType,
    Integer,
    Pointer,
    Real,
    Void,
)
from loadstone.quick_dataclass import replace

__all__ = [
    "alike",
    "callable_as",
    "canonical",
    "is_char_pointer",
    "is_text",
    "item_formats",
    "letter_of",
    "letter_of_items",
]


def is_text(kind: CType) -> bool:
    """Whether it is ``const char *``, by which C passes text that it does not change."""
    return isinstance(kind, Pointer) and kind.const and isinstance(kind.target, Integer) and kind.target.is_char


def is_char_pointer(kind: CType) -> bool:
    """Whether it is a pointer to ``char``."""
    return isinstance(kind, Pointer) and isinstance(kind.target, Integer) and kind.target.is_char


def alike(kind: Integer) -> tuple[object, ...]:
    """What makes two integer types one behind a pointer; of one byte any is like any."""
    return (1, kind.is_bool) if kind.size == 1 else (kind.size, kind.signed, kind.is_wide)


_SIGNED, _UNSIGNED, _FLOATING = "bhilqn", "BHILQN", "efdg"
_NATIVE: Final = "@=<" if sys.byteorder == "little" else "@=>"


def letter_of(code: str) -> str:
    """Integer, unsigned or floating, from a format character of ctypes or of the buffer protocol."""
    for letter, codes in (("i", _SIGNED), ("u", _UNSIGNED), ("f", _FLOATING)):
        if code and code in codes:
            return letter
    return code


def letter_of_items(form: str | None) -> str:
    """The same of a buffer's format, ``}`` of structs; a format of its own where C would read something else."""
    bare = (form or "B").lstrip(_NATIVE)
    if bare.endswith("}"):
        return bare if any(order in bare for order in ">!") and sys.byteorder == "little" else "}"
    return letter_of(bare) if len(bare) == 1 else bare


def item_formats(kind: CType) -> str | None:
    """The format characters of a number of that kind, whatever its size; None of what is no number."""
    match kind:
        case Integer(is_bool=True):
            return "?"
        case Integer() | Enumeration():
            return _SIGNED if kind.signed else _UNSIGNED
        case Real():
            return _FLOATING
    return None


def canonical(kind: FunctionType) -> FunctionType:
    """The one object for all function types that are equal but for the names of their parameters.

    The extension takes a callback for a parameter without more ado when both have the same. Thread-safe; forgets the
    oldest, which costs no more than a comparison.
    """
    return _first(replace(kind, parameters=tuple(FunctionParameter("", p.type) for p in kind.parameters)))


@lru_cache(maxsize=1024)
def _first(kind: FunctionType) -> FunctionType:
    return kind


def callable_as(wanted: FunctionType, given: FunctionType) -> bool:
    """Whether a function of one type may be called as one of another: the same values in the same places."""
    if wanted.variadic != given.variadic or len(wanted.parameters) != len(given.parameters):
        return False
    pairs = [(wanted.result, given.result)]
    pairs += [(a.type, b.type) for a, b in zip(wanted.parameters, given.parameters, strict=True)]
    return all(_same_in_call(a, b) for a, b in pairs)


def _same_in_call(wanted: CType, given: CType) -> bool:
    pointers = (Pointer, Array)
    if isinstance(wanted, pointers) and isinstance(given, pointers):
        targets = [k.target if isinstance(k, Pointer) else k.element for k in (wanted, given)]
        if any(isinstance(t, Void) for t in targets) or str(targets[0]) == str(targets[1]):
            return True
        sizes = [t.size for t in targets if isinstance(t, Integer)]
        return len(sizes) == 2 and sizes[0] == sizes[1]
    numbers = (Integer, Enumeration)
    if isinstance(wanted, numbers) and isinstance(given, numbers):
        return wanted.size == given.size
    return wanted == given or str(wanted) == str(given)
