"""Canaries between the global objects of the library under test, and behind the last one. Child process only.

Objects lie side by side, each aligned; what the link editor left free behind one is nobody's. It holds a pattern here:
a write past an object shows in it, and an answer that changes with the pattern was read there.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Sequence
from typing import Final

from loadstone.core.counting import counted
from loadstone.fuzz.child.guarded_heap import FILL, HeapError

__all__ = ["GuardedGlobals"]

_PAGE: Final = mmap.PAGESIZE
_PROT_RW: Final = mmap.PROT_READ | mmap.PROT_WRITE

_libc = ctypes.CDLL(None)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class GuardedGlobals:
    """The gaps (object before it, virtual address, size) of a library loaded at ``base``; ``report`` gets errors."""

    def __init__(self, gaps: Sequence[tuple[str, int, int]], base: int, report: Callable[[HeapError], None]) -> None:
        writable = _writable()
        self._gaps: list[tuple[str, int, int]] = [(name, base + address, size) for name, address, size in gaps]
        pages = {at & -_PAGE for _, low, size in self._gaps for at in (low, low + size - 1)}
        self._constant: list[int] = sorted(page for page in pages if page not in writable)
        self._report = report
        self._byte = 0
        self.fill(FILL)

    def __bool__(self) -> bool:
        return bool(self._gaps)

    def fill(self, byte: int) -> None:
        """Every gap holds this byte from here on."""
        self._byte = byte
        for page in self._constant:
            _libc.mprotect(page, _PAGE, _PROT_RW)
        for _, address, size in self._gaps:
            ctypes.memset(address, byte, size)
        for page in self._constant:
            _libc.mprotect(page, _PAGE, mmap.PROT_READ)

    def check(self) -> None:
        """Report what was written past an object since the last look."""
        for name, address, size in self._gaps:
            seen = ctypes.string_at(address, size)
            if seen.count(self._byte) != size:
                first = next(i for i in range(size) if seen[i] != self._byte)
                self.fill(self._byte)
                self._report(HeapError("global-buffer-overflow", f"write {counted(first, 'byte')} past {name}"))


def _writable() -> frozenset[int]:
    """The pages that may be written to (proc(5), maps)."""
    found: set[int] = set()
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            span, flags, _, _, _, *path = line.split(maxsplit=5)
            if flags.startswith("rw") and (path or flags):
                low, high = (int(part, 16) for part in span.split("-"))
                found.update(range(low, min(high, low + (4 << 20)), _PAGE))
    return frozenset(found)
