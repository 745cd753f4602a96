"""A heap whose blocks end at an inaccessible page, for the library under test only.

The library's own import slots (GOT) for malloc and its kin are rewritten, so only its allocations are guarded and the
interpreter's are not. A write one byte past a block, or any use after free, is then a fault at the very instruction.
Freed blocks stay inaccessible for a while. Pointers that came from elsewhere pass through to the real functions.
``exact`` ends a block to the byte, which breaks code that relies on 16-byte alignment; the other mode keeps malloc(3)'s
alignment and misses overflows of up to 15 bytes. Findings are labelled with the mode.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
from collections import deque
from typing import Any, Final

from loadstone.fuzz.child.imports import replace_imports

__all__ = ["ALLOCATORS", "GuardedHeap"]

ALLOCATORS: Final = ("malloc", "calloc", "realloc", "free", "strdup", "reallocarray", "posix_memalign", "aligned_alloc")
"""What is replaced; each is an import of the library under test or is left alone."""

_PAGE: Final = mmap.PAGESIZE
_PROT_NONE, _PROT_RW = 0, mmap.PROT_READ | mmap.PROT_WRITE
_MAX_BLOCK: Final = 1 << 28
_QUARANTINE: Final = 512
_EINVAL, _ENOMEM = 22, 12

_SIZE = ctypes.c_size_t
_POINTER = ctypes.c_void_p


class GuardedHeap:
    """Replacements for one library's allocator imports. Child process only; not for threads of the library."""

    def __init__(self, *, exact: bool) -> None:
        self.exact = exact
        self._live: dict[int, tuple[int, int, int]] = {}  # block -> (mapping, its size, the size asked for)
        self._dead: deque[tuple[int, int]] = deque()
        libc = ctypes.CDLL(None)
        self._mmap, self._munmap, self._mprotect = libc.mmap, libc.munmap, libc.mprotect
        self._mmap.restype = _POINTER
        self._mmap.argtypes = [_POINTER, _SIZE, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
        self._munmap.argtypes = [_POINTER, _SIZE]
        self._mprotect.argtypes = [_POINTER, _SIZE, ctypes.c_int]
        self._real_free, self._real_realloc = libc.free, libc.realloc
        self._real_free.argtypes = [_POINTER]
        self._real_free.restype = None
        self._real_realloc.argtypes = [_POINTER, _SIZE]
        self._real_realloc.restype = _POINTER
        kind = ctypes.CFUNCTYPE
        self._made: dict[str, Any] = {
            "malloc": kind(_POINTER, _SIZE)(self.malloc),
            "calloc": kind(_POINTER, _SIZE, _SIZE)(lambda count, size: self.malloc(count * size)),
            "realloc": kind(_POINTER, _POINTER, _SIZE)(self.realloc),
            "reallocarray": kind(_POINTER, _POINTER, _SIZE, _SIZE)(lambda p, n, size: self.realloc(p, n * size)),
            "free": kind(None, _POINTER)(self.free),
            "strdup": kind(_POINTER, ctypes.c_char_p)(self.strdup),
            "aligned_alloc": kind(_POINTER, _SIZE, _SIZE)(self.aligned_alloc),
            "posix_memalign": kind(ctypes.c_int, ctypes.POINTER(_POINTER), _SIZE, _SIZE)(self.posix_memalign),
        }

    def install(self, slots: tuple[tuple[str, int], ...], base: int) -> None:
        """Point the import slots (name, virtual address) of the library loaded at ``base`` to the replacements."""
        replace_imports(slots, base, self._made)

    def malloc(self, size: int) -> int:
        """A block of ``size`` bytes, zeroed, that ends at a guard page; 0 when it is too large."""
        return self._block(size, 1 if self.exact else 16)

    def aligned_alloc(self, alignment: int, size: int) -> int:
        return self._block(size, alignment)

    def posix_memalign(self, out: ctypes._Pointer[ctypes.c_void_p], alignment: int, size: int) -> int:
        if alignment % 8 or alignment & (alignment - 1):
            return _EINVAL
        block = self._block(size, alignment)
        if not block:
            return _ENOMEM
        out[0] = _POINTER(block)
        return 0

    def strdup(self, text: bytes) -> int:
        block = self.malloc(len(text) + 1)
        if block:
            ctypes.memmove(block, text, len(text))
        return block

    def realloc(self, block: int | None, size: int) -> int:
        if block and block not in self._live:
            return int(self._real_realloc(block, size) or 0)
        made = self.malloc(size)
        if made and block:
            ctypes.memmove(made, block, min(size, self._live[block][2]))
            self.free(block)
        return made

    def free(self, block: int | None) -> None:
        """Make the block inaccessible; abort on a second free, as a hardened allocator does."""
        if not block:
            return
        found = self._live.pop(block, None)
        if found is None:
            if any(start <= block < start + size for start, size in self._dead):
                os.kill(os.getpid(), signal.SIGABRT)
            self._real_free(block)
            return
        start, size, _ = found
        self._mprotect(start, size, _PROT_NONE)
        self._dead.append((start, size))
        if len(self._dead) > _QUARANTINE:
            self._munmap(*self._dead.popleft())

    def _block(self, size: int, alignment: int) -> int:
        if size > _MAX_BLOCK or alignment > _PAGE:
            return 0
        used = -(-size // alignment) * alignment
        whole = -(-max(used, 1) // _PAGE) * _PAGE + _PAGE
        start = self._mmap(None, whole, _PROT_RW, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        if start is None or start == 0xFFFFFFFFFFFFFFFF:
            return 0
        self._mprotect(start + whole - _PAGE, _PAGE, _PROT_NONE)
        block = int(start) + whole - _PAGE - used
        self._live[block] = (int(start), whole, size)
        return block
