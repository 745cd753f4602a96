"""Whether the program's own code checks a canary, where the C library is part of the same file.

A static program always has ``__stack_chk_fail``: the C library was built with the check. What tells is whether ``main``
calls it. Read off the machine code of x86, where the call is one byte and a relative address, and of AArch64 (Arm ARM,
BL); Intel SDM volume 2, CALL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loadstone.binary.elf.view import ElfView
from loadstone.core.image import SymbolTable

__all__ = ["main_checks"]

_MAX_CODE: Final = 1 << 20
_X86: Final = frozenset({3, 62})
_AARCH64: Final = 183


def main_checks(view: ElfView, symbols: SymbolTable, checks: tuple[str, ...]) -> bool | None:
    """Whether ``main`` calls one of the functions; None where that cannot be seen."""
    wanted = {symbol.value for name in checks for symbol in symbols.named(name) if symbol.defined}
    main = next((symbol for symbol in symbols.named("main") if symbol.defined and symbol.size), None)
    place = view.place(main.value) if main else None
    if main is None or place is None or view.machine not in _X86 | {_AARCH64}:
        return None
    code = view.cursor.upto(place[0], min(main.size, place[1], _MAX_CODE))
    calls = _arm_calls(code, main.value) if view.machine == _AARCH64 else _x86_calls(code, main.value)
    return not wanted.isdisjoint(calls)


def _x86_calls(code: bytes, address: int) -> Iterator[int]:
    at = code.find(b"\xe8")
    while 0 <= at <= len(code) - 5:
        yield address + at + 5 + int.from_bytes(code[at + 1 : at + 5], "little", signed=True)
        at = code.find(b"\xe8", at + 1)


def _arm_calls(code: bytes, address: int) -> Iterator[int]:
    for at in range(0, len(code) - 3, 4):
        word = int.from_bytes(code[at : at + 4], "little")
        if word >> 26 == 0b100101:
            offset = word & 0x3FF_FFFF
            yield address + at + 4 * (offset - (1 << 26) if offset >> 25 else offset)
