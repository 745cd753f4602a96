"""How a value of a C type is read from memory and written there: one codec a type.

Memory is any object that lends a writable buffer. Numbers that do not fit are refused, never cut. What a pointer is
written from must live as long as the memory, so ``write`` gives back what is to be kept.
"""

from __future__ import annotations

import ctypes
import struct
from operator import index
from typing import Any, Final, Protocol

__all__ = [
    "BitField",
    "Character",
    "Codec",
    "ComplexPair",
    "LongDouble",
    "Number",
    "Truth",
    "WideCharacter",
    "WideInteger",
    "truth",
    "whole",
]


class Codec(Protocol):
    """Reads and writes a value of one type; ``size`` is in bytes."""

    size: int

    def read(self, memory: Any, offset: int) -> Any: ...

    def write(self, memory: Any, offset: int, value: Any) -> object: ...


_INTEGER: Final = {
    (1, True): "b", (1, False): "B", (2, True): "h", (2, False): "H",
    (4, True): "i", (4, False): "I", (8, True): "q", (8, False): "Q",
}  # fmt: skip


class Number:
    """An integer or a floating number of up to eight bytes, as ``struct`` has them."""

    __slots__ = ("_form", "_name", "_struct", "size")

    def __init__(self, form: str, name: str) -> None:
        self._struct = struct.Struct(f"={form}")
        self._form = form
        self._name = name
        self.size: int = self._struct.size

    @classmethod
    def integer(cls, size: int, signed: bool, name: str) -> Number:
        return cls(_INTEGER[size, signed], name)

    def read(self, memory: Any, offset: int) -> Any:
        return self._struct.unpack_from(memory, offset)[0]

    def write(self, memory: Any, offset: int, value: Any) -> object:
        try:
            self._struct.pack_into(memory, offset, value)
        except struct.error as error:
            if hasattr(type(value), "__index__"):
                raise OverflowError(f"{value} does not fit into {self._name}") from error
            raise TypeError(f"{self._name} takes a number, not {type(value).__name__}") from error
        return None


class Truth:
    """A ``_Bool``."""

    size = 1

    def read(self, memory: Any, offset: int) -> bool:
        return memoryview(memory).cast("B")[offset] != 0

    def write(self, memory: Any, offset: int, value: Any) -> object:
        memoryview(memory).cast("B")[offset] = truth(value)
        return None


def truth(value: Any) -> bool:
    """A ``_Bool`` of True, False, 1, 0, or a truth value of numpy or ctypes; nothing else is meant for one."""
    if not isinstance(value, int):
        view = _lent(value)
        if view is None or not view.format.endswith("?") or view.nbytes != 1:
            raise TypeError(f"_Bool takes True or False, not {type(value).__name__}")
        return view.tobytes() != b"\0"
    if value not in (0, 1):
        raise OverflowError(f"{value} does not fit into _Bool: it must be 0 or 1")
    return bool(value)


def _lent(value: Any) -> memoryview | None:
    try:
        return memoryview(value)
    except TypeError:
        return None


class Character:
    """A ``char``: one byte of ``bytes``."""

    size = 1

    def read(self, memory: Any, offset: int) -> bytes:
        return bytes(memoryview(memory).cast("B")[offset : offset + 1])

    def write(self, memory: Any, offset: int, value: Any) -> object:
        if not isinstance(value, (bytes, bytearray)) or len(value) != 1:
            raise TypeError("char takes one byte, as in b'x'")
        memoryview(memory).cast("B")[offset] = value[0]
        return None


class WideCharacter:
    """A ``wchar_t``, ``char16_t`` or ``char32_t``: one character of ``str``."""

    __slots__ = ("_number", "size")

    def __init__(self, size: int, name: str) -> None:
        self._number = Number.integer(size, False, name)
        self.size: int = size

    def read(self, memory: Any, offset: int) -> str:
        return wide_character(self._number.read(memory, offset))

    def write(self, memory: Any, offset: int, value: Any) -> object:
        return self._number.write(memory, offset, wide_number(value, self.size))


def wide_character(number: int) -> str:
    """The character of that number; raises ValueError when there is none."""
    try:
        return chr(number)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{number:#x} is not a character") from error


def wide_number(value: Any, size: int) -> int:
    """The number of a character that fits ``size`` bytes."""
    if not isinstance(value, str) or len(value) != 1:
        raise TypeError("a wide character takes one character, as in 'x'")
    number = ord(value)
    if number >> 8 * size:
        raise OverflowError(f"the character {value!r} does not fit into {size} bytes")
    return number


def whole(value: Any, name: str) -> int:
    """An integer of Python's, or of whatever says that it is one, as numpy's do."""
    try:
        return index(value)
    except TypeError:
        raise TypeError(f"{name} takes a number, not {type(value).__name__}") from None


class WideInteger:
    """``__int128``, which nothing in the standard library knows."""

    __slots__ = ("_signed", "size")

    def __init__(self, size: int, signed: bool) -> None:
        self.size: int = size
        self._signed = signed

    def read(self, memory: Any, offset: int) -> int:
        content = memoryview(memory).cast("B")[offset : offset + self.size]
        return int.from_bytes(content, "little", signed=self._signed)

    def write(self, memory: Any, offset: int, value: Any) -> object:
        content = whole(value, "__int128").to_bytes(self.size, "little", signed=self._signed)
        memoryview(memory).cast("B")[offset : offset + self.size] = content
        return None


class LongDouble:
    """``long double``; Python keeps the 53 bits of a double of it."""

    size: int = ctypes.sizeof(ctypes.c_longdouble)

    def read(self, memory: Any, offset: int) -> float:
        content = bytes(memoryview(memory).cast("B")[offset : offset + self.size])
        return float(ctypes.c_longdouble.from_buffer_copy(content).value)

    def write(self, memory: Any, offset: int, value: Any) -> object:
        memoryview(memory).cast("B")[offset : offset + self.size] = bytes(ctypes.c_longdouble(value))
        return None


class ComplexPair:
    """``_Complex``: the real part, then the imaginary one."""

    __slots__ = ("_part", "size")

    def __init__(self, part: Codec) -> None:
        self._part = part
        self.size: int = 2 * part.size

    def read(self, memory: Any, offset: int) -> complex:
        return complex(self._part.read(memory, offset), self._part.read(memory, offset + self._part.size))

    def write(self, memory: Any, offset: int, value: Any) -> object:
        if isinstance(value, str):
            raise TypeError("_Complex takes a number, not str")
        number = complex(value)
        self._part.write(memory, offset, number.real)
        return self._part.write(memory, offset + self._part.size, number.imag)


class BitField:
    """``width`` bits from bit ``start`` of the memory on; the bits beside them are left as they are."""

    __slots__ = ("_bool", "_first", "_high", "_low", "_name", "_shift", "size")

    def __init__(self, start: int, width: int, *, signed: bool, is_bool: bool, name: str) -> None:
        self._first, self._shift = divmod(start, 8)
        self.size: int = (self._shift + width + 7) // 8
        self._low = -(1 << width - 1) if signed else 0
        self._high = (1 << width - 1) - 1 if signed else (1 << width) - 1
        self._bool = is_bool
        self._name = name

    def read(self, memory: Any, offset: int) -> int | bool:
        at = offset + self._first
        whole = int.from_bytes(memoryview(memory).cast("B")[at : at + self.size], "little")
        number = whole >> self._shift & (self._high - self._low)
        if number > self._high:
            number -= self._high - self._low + 1
        return bool(number) if self._bool else number

    def write(self, memory: Any, offset: int, value: Any) -> object:
        number = whole(value, self._name)
        if not self._low <= number <= self._high:
            raise OverflowError(
                f"{number} does not fit into {self._name}: it must lie between {self._low} and {self._high}"
            )
        at, view = offset + self._first, memoryview(memory).cast("B")
        mask = self._high - self._low
        around = int.from_bytes(view[at : at + self.size], "little") & ~(mask << self._shift)
        view[at : at + self.size] = (around | (number & mask) << self._shift).to_bytes(self.size, "little")
        return None
