"""Which instructions compare, and what with: the comparisons that an input has to pass, read from machine code.

Decoded text goes in, because that is what capstone gives fastest; x86 in Intel's syntax. What is not understood (high
bytes, vector registers, segments other than the flat ones) is left out: it is a hint less, never a wrong one.
Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CMP, and volume 1, section 3.7.5.
"""

from __future__ import annotations

import re
from typing import Final

from loadstone.fuzz.plan import Compare, Operand

__all__ = ["COMPARERS", "MAX_COMPARES", "compare_of"]

COMPARERS: Final = ("memcmp", "bcmp", "strcmp", "strncmp", "strcasecmp", "strncasecmp")
"""Functions of the C library that compare; an import of the library under test is listened to."""

MAX_COMPARES: Final = 50_000

_WIDTHS: Final = {"byte": 1, "word": 2, "dword": 4, "qword": 8}
_POINTED = re.compile(r"(byte|word|dword|qword) ptr (?:[cdes]s:)?\[(.+)\]")
_NUMBER = re.compile(r"-?(?:0x[0-9a-f]+|[0-9]+)")


def _registers() -> dict[str, tuple[str, int]]:
    """Every spelling of a general register -> (its 64-bit name, width in bytes)."""
    found: dict[str, tuple[str, int]] = {}
    for letter in "abcd":
        names = (f"r{letter}x", f"e{letter}x", f"{letter}x", f"{letter}l")
        found |= {name: (names[0], width) for name, width in zip(names, (8, 4, 2, 1), strict=True)}
    for stem in ("si", "di", "bp", "sp"):
        names = (f"r{stem}", f"e{stem}", stem, f"{stem}l")
        found |= {name: (names[0], width) for name, width in zip(names, (8, 4, 2, 1), strict=True)}
    for number in range(8, 16):
        names = (f"r{number}", f"r{number}d", f"r{number}w", f"r{number}b")
        found |= {name: (names[0], width) for name, width in zip(names, (8, 4, 2, 1), strict=True)}
    return found


_REGISTERS: Final = _registers()


def compare_of(address: int, size: int, byte: int, operands: str) -> Compare | None:
    """The comparison of a ``cmp`` instruction at a virtual address, ``size`` bytes long; None when not understood.

    >>> compare_of(0x1000, 4, 0x3D, "dword ptr [rdi + rax*4 - 8], 0x7f").left
    Operand(offset=-8, register='rdi', index='rax', scale=4, memory=True)
    """
    first, separator, second = operands.partition(", ")
    if not separator:
        return None
    left, left_width = _operand(first, address + size)
    right, right_width = _operand(second, address + size)
    width = left_width or right_width
    if left is None or right is None or not width:
        return None
    return Compare(address, byte, width, left, right)


def _operand(text: str, following: int) -> tuple[Operand | None, int]:
    """An operand and its width in bytes (0: a number takes the other side's)."""
    if _NUMBER.fullmatch(text):
        return Operand(int(text, 0)), 0
    if text in _REGISTERS:
        name, width = _REGISTERS[text]
        return Operand(register=name), width
    pointed = _POINTED.fullmatch(text)
    return (_memory(pointed[2], following), _WIDTHS[pointed[1]]) if pointed else (None, 0)


def _memory(text: str, following: int) -> Operand | None:
    """``rdi + rax*4 - 8``: at most one base, one scaled index and numbers; ``rip`` is the next instruction."""
    offset, base, index, scale = 0, "", "", 1
    for sign, term in re.findall(r"([+-]?)\s*([^\s+-]+)", text):
        name, _, factor = term.partition("*")
        if _NUMBER.fullmatch(term):
            offset += int(term, 0) * (-1 if sign == "-" else 1)
        elif name == "rip":
            offset += following
        elif name not in _REGISTERS or _REGISTERS[name][1] != 8:
            return None
        elif factor or base:
            index, scale = name, int(factor or 1)
        else:
            base = name
    return Operand(offset, "base" if "rip" in text else base, index, scale, memory=True)
