"""Where in the library a callback was called from: backtrace(3), cut down to the library's own frames. Child only."""

from __future__ import annotations

import ctypes
import os
from typing import Final

from loadstone.fuzz.child.blocks import DEPTH

__all__ = ["Backtrace"]

_DEEP: Final = 96
"""Frames that are looked at: some thirty of them are the interpreter's."""

_STACK: Final = 8 << 20


class Backtrace:
    """The frames of one library. Where there is no backtrace(3) (musl), no frame is ever known."""

    def __init__(self, path: str, base: int, stack: tuple[int, int] = (0, 0)) -> None:
        """``stack``: where a stack of the calls' own lies."""
        self._base = base
        self._ranges = _executable(path)
        self._ask = getattr(ctypes.CDLL(None), "backtrace", None)
        self._frames = (ctypes.c_void_p * _DEEP)()
        self._dladdr = ctypes.CDLL(None).dladdr
        self._dladdr.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._found = ctypes.create_string_buffer(64)  # Dl_info, of which nothing is read
        self._stacks = (_main_stack(), stack)

    def stack(self) -> tuple[int, ...]:
        """Virtual addresses of the calls in the library that lead here, innermost first; of each its last byte."""
        if self._ask is None:
            return ()
        count = self._ask(self._frames, _DEEP)
        found = [frame - 1 for frame in self._frames[:count] if frame and self._inside(frame - 1)]
        return tuple(frame - self._base for frame in found[:DEPTH])

    def is_no_heap(self, address: int) -> bool:
        """Whether an address is on a stack of the calls, or in a loaded library."""
        return any(low <= address < high for low, high in self._stacks) or bool(self._dladdr(address, self._found))

    def _inside(self, address: int) -> bool:
        return any(low <= address < high for low, high in self._ranges)


def _main_stack() -> tuple[int, int]:
    """Where the first thread's stack may lie: 8 MiB down from its top (proc(5), maps)."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            if line.rstrip().endswith("[stack]"):
                high = int(line.split(maxsplit=1)[0].partition("-")[2], 16)
                return high - _STACK, high
    return 0, 0


def _executable(path: str) -> tuple[tuple[int, int], ...]:
    """The executable mappings of a file in this process, by device and inode."""
    status = os.stat(path)
    found = []
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            span, flags, _, device, inode, *_ = line.split(maxsplit=5)
            major, minor = (int(part, 16) for part in device.split(":"))
            if "x" in flags and (os.makedev(major, minor), int(inode)) == (status.st_dev, status.st_ino):
                low, high = span.split("-")
                found.append((int(low, 16), int(high, 16)))
    return tuple(found)
