"""When one C type may stand for another in a call, and what kind of text or number a type is. Pure."""

from __future__ import annotations

from functools import lru_cache

from loadstone.headers.types import (
    Array,
    CType,
    Enumeration,
    FunctionParameter,
    FunctionType,
    Integer,
    Pointer,
    Void,
)
from loadstone.quick_dataclass import replace

__all__ = ["alike", "callable_as", "canonical", "is_char_pointer", "is_text", "letter_of"]


def is_text(kind: CType) -> bool:
    """Whether it is ``const char *``, by which C passes text that it does not change."""
    return isinstance(kind, Pointer) and kind.const and isinstance(kind.target, Integer) and kind.target.is_char


def is_char_pointer(kind: CType) -> bool:
    """Whether it is a pointer to ``char``."""
    return isinstance(kind, Pointer) and isinstance(kind.target, Integer) and kind.target.is_char


def alike(kind: Integer) -> tuple[object, ...]:
    """What makes two integer types one behind a pointer; of one byte any is like any."""
    return (1, kind.is_bool) if kind.size == 1 else (kind.size, kind.signed, kind.is_wide)


def letter_of(code: str) -> str:
    """Integer, unsigned or floating, from a format character of ctypes or of the buffer protocol."""
    if code[-1:] in ("b", "h", "i", "l", "q", "n"):
        return "i"
    if code[-1:] in ("B", "H", "I", "L", "Q", "N"):
        return "u"
    return "f" if code[-1:] in ("e", "f", "d", "g") else code[-1:]


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
