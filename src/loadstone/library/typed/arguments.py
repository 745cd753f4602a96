"""Words of a command line as arguments of a typed call, by the types of its prototype."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from loadstone.errors import InvalidPrototype
from loadstone.library.typed.prototype import CType, Enumeration, Integer, Pointer, Prototype, Real

__all__ = ["from_words"]


def from_words(prototype: Prototype, words: Sequence[str]) -> tuple[Any, ...]:
    """The arguments ``words`` stand for.

    Numbers are decimal, ``0x`` or ``0b``; a ``char`` may be itself; ``true`` and ``false`` are booleans; a pointer
    takes ``NULL``, text (given to C as UTF-8 with a NUL behind it), ``hex:0a0b`` for bytes, or ``out:16`` for so many
    zero bytes.

    Raises:
        InvalidPrototype: too few or many words, or one that is no value of its type.

    >>> from loadstone.library.typed.prototype import parse
    >>> from_words(parse("int f(int, double, const char *)"), ["0x10", "1.5", "text"])
    (16, 1.5, b'text')
    """
    wanted = len(prototype.parameters)
    if len(words) != wanted:
        raise InvalidPrototype(
            text=prototype.text,
            reason=f"{prototype.name} takes {wanted} argument{'s' if wanted != 1 else ''}, and {len(words)} are given",
        )
    return tuple(_value(prototype, p.type, word) for p, word in zip(prototype.parameters, words, strict=True))


def _value(prototype: Prototype, kind: CType, word: str) -> Any:
    try:
        match kind:
            case Integer(is_bool=True):
                return word == "true" if word in ("true", "false") else bool(int(word, 0))
            case Integer(is_char=True) if len(word.encode()) == 1 and not word.isdigit():
                return word.encode()
            case Integer() | Enumeration():
                return _in_range(kind, int(word, 0))
            case Real():
                return float(word)
            case Pointer():
                return _pointer(kind, word)
    except (ValueError, OverflowError) as error:
        raise InvalidPrototype(text=prototype.text, reason=f"{word} is not a value of type {kind}: {error}") from error
    raise InvalidPrototype(text=prototype.text, reason=f"a value of type {kind} cannot be written on a command line")


def _in_range(kind: Integer | Enumeration, number: int) -> int:
    bits = 8 * kind.size if isinstance(kind, Integer) else 32
    low, high = (
        (-(1 << bits - 1), (1 << bits - 1) - 1)
        if not isinstance(kind, Integer) or kind.signed
        else (0, (1 << bits) - 1)
    )
    if not low <= number <= high:
        raise ValueError(f"it must lie between {low} and {high}")
    return number


def _pointer(kind: Pointer, word: str) -> Any:
    if word == "NULL":
        return None
    scheme, _, rest = word.partition(":")
    if scheme == "out" and rest.isdigit():
        return ctypes.create_string_buffer(min(int(rest), 1 << 28))
    content = bytes.fromhex(rest) if scheme == "hex" else word.encode()
    return content if kind.const else ctypes.create_string_buffer(content)
