"""Variable-length integers (LEB128), as Mach-O's opcode streams and tries hold them. Source: DWARF 5, section 7.6."""

from __future__ import annotations

from typing import Final

__all__ = ["uleb"]

_LONGEST: Final = 10  # bytes of a 64-bit value


def uleb(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned value at ``at`` and the position behind it.

    Raises:
        IndexError: it does not end before the data does, or is longer than 64 bits need.

    >>> uleb(bytes((0xE5, 0x8E, 0x26)), 0)
    (624485, 3)
    """
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value = byte & 0x7F
    for shift in range(7, 7 * _LONGEST, 7):
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
    raise IndexError(at)
