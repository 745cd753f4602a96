"""How deep the stack went: a mark below it that a deeper call overwrites; one read a run. Child process only.

Recursion adds no new code, so coverage alone never prefers the input that nests one level more. The mark stands in
memory that the stack already has; when it is overwritten the next one is put a quarter deeper.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

from loadstone.fuzz.child.call_stack import CallStack

__all__ = ["StackMark", "fill_below"]

_MARK: Final = 0x5AC3_96E1_0F78_D2B4
_FIRST: Final = 16 << 10
"""Bytes below us that the interpreter itself may use between two calls."""
_MARGIN: Final = 256
_FILLED: Final = 12 << 10
_CONTEXT_SIZE: Final = 4096
_STACK_POINTER_AT: Final = 160
"""Of ucontext_t (x86-64, sys/ucontext.h): uc_mcontext.gregs[REG_RSP]."""


class StackMark:
    """A mark on this thread's stack. Where the stack pointer cannot be asked for, nothing is ever deeper."""

    def __init__(self, known: int = 0, own: CallStack | None = None) -> None:
        """``known``: how deep an earlier child's inputs went, in bytes; ``own``: the stack of the calls, if any."""
        self._top = own.top if own else _stack_pointer()
        self._own_low = own.low if own else 0
        self.deepest: int = max(_FIRST, known)
        self._mark = ctypes.c_uint64()
        self._set(self.deepest)

    def passed(self) -> bool:
        """Whether the last call went deeper than any before; the mark is put deeper then."""
        if self._mark.value == _MARK:
            return False
        depth = self._top - ctypes.addressof(self._mark)
        self._set(depth + depth // 4)
        deeper = depth > self.deepest
        self.deepest = max(depth, self.deepest)
        return deeper

    def _set(self, depth: int) -> None:
        """Mark ``depth`` bytes down, or as deep as the stack has memory by now."""
        low = self._own_low or _lowest(self._top)
        if low:
            self._mark = ctypes.c_uint64.from_address(max(self._top - depth, low) & -8)
        self._mark.value = _MARK


def _stack_pointer() -> int:
    """This thread's stack pointer by getcontext(3), which glibc has; 0 elsewhere."""
    getcontext = getattr(ctypes.CDLL(None), "getcontext", None)
    if getcontext is None or os.uname().machine != "x86_64":
        return 0
    context = ctypes.create_string_buffer(_CONTEXT_SIZE)
    getcontext(context)
    return int.from_bytes(context.raw[_STACK_POINTER_AT : _STACK_POINTER_AT + 8], "little")


def _lowest(address: int) -> int:
    """Where the mapping that holds an address begins (proc(5), maps); 0 where there is none."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            low, high = (int(part, 16) for part in line.split(maxsplit=1)[0].split("-"))
            if low <= address < high:
                return low
    return 0


def fill_below(byte: int) -> None:
    """Fill the stack below this call, which the next call of a library gets as its own, with one byte.

    A red zone of 128 bytes below the stack pointer (x86-64 psABI, 3.2.2) is left alone, and some more for the call of
    memset(3), which needs no stack of its own.
    """
    top = _stack_pointer()
    if top:
        ctypes.memset(top - _MARGIN - _FILLED, byte, _FILLED)
