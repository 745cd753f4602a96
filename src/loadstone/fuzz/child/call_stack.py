"""A stack of its own for the function under test, between two inaccessible pages.

Nothing lies above the frames of the call: what reads or writes past an array of its outermost frames touches the page
behind them, instead of the interpreter's frames in silence. Below them everything holds one pattern where that is asked
for, so that an answer which depends on what was there shows. Made before forking, so that the tracer knows where it
lies; used in the child. x86-64 only (psABI 3.2.2: %r11 is a scratch register, %rbp the callee's to keep).
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import sys
from collections.abc import Callable
from typing import Final

__all__ = ["CallStack"]

_PAGE: Final = mmap.PAGESIZE
_SIZE: Final = 8 << 20
_FILLED: Final = 12 << 10
_NORESERVE: Final = 0x4000  # MAP_NORESERVE of mmap(2), Linux: Python names it from 3.11 on, and not everywhere
_ENTER: Final = b"\x55\x48\x89\xe5\x49\xbb%b\x4c\x89\xdc\x49\xbb%b\x41\xff\xd3\x48\x89\xec\x5d\xc3"
_RETURNS_AT: Final = 30
"""push %rbp; mov %rsp, %rbp; mov $stack, %r11; mov %r11, %rsp; mov $function, %r11; call *%r11; mov %rbp, %rsp; pop
%rbp; ret. Arguments in registers arrive as they were, and so does the result. The call returns to that byte of it."""
_CHECKS_STACK: Final = (3, 14)
"""Since this Python the interpreter ends the process when it finds itself on another stack, as callbacks would be."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class CallStack:
    """One stack; ``top`` is where frames begin, 0 where calls stay on the stack of the thread."""

    def __init__(self) -> None:
        self.low: int = 0
        self.top: int = 0
        if os.uname().machine != "x86_64" or sys.version_info >= _CHECKS_STACK:
            return
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE
        self._map = mmap.mmap(-1, _SIZE + 2 * _PAGE, flags=flags)
        self.low = ctypes.addressof(ctypes.c_char.from_buffer(self._map)) + _PAGE
        self.top = self.low + _SIZE
        for guard in (self.low - _PAGE, self.top):
            if _libc.mprotect(guard, _PAGE, 0) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")
        self._codes: list[mmap.mmap] = []

    def entering(self, function: int) -> int:
        """In the child: the address of code that calls ``function``, which takes all in registers, on this stack.

        ``function`` itself where the system allows no code that is made while running.
        """
        code = _ENTER % (struct.pack("<Q", self.top), struct.pack("<Q", function))
        page = mmap.mmap(-1, _PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        page[: len(code)] = code
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        if _libc.mprotect(address, _PAGE, mmap.PROT_READ | mmap.PROT_EXEC) != 0:
            return function
        self._codes.append(page)
        return address

    def fill(self, byte: int) -> None:
        """In the child, between two calls: what the frames of the next one are made of."""
        ctypes.memset(self.top - _FILLED, byte, _FILLED)

    def has_lost_its_return(self, pointer: int, read: Callable[[int, int], bytes]) -> bool:
        """In the tracer: whether the call's return address was overwritten; ``pointer`` is where the stack is now.

        Every piece of code that enters begins a page, so the end of that address is known.
        """
        if not self.top or not self.low <= pointer <= self.top:
            return False
        word = read(self.top - 8, 8)
        return len(word) == 8 and int.from_bytes(word, "little") % _PAGE != _RETURNS_AT

    def past(self, address: int) -> int | None:
        """In the tracer: how many bytes past the outermost frame an address lies; None where it is elsewhere."""
        return address - self.top if self.top and self.top <= address < self.top + _PAGE else None
