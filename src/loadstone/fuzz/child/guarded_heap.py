"""A heap whose blocks lie at an inaccessible page, for the library under test only.

The library's own import slots (GOT) for malloc and its kin are rewritten, so only its allocations are guarded and the
interpreter's are not. A write one byte past a block, or any use after free, is then a fault at the very instruction;
what no page can show - bytes between a block and its page - holds a pattern that is checked when the block is freed and
when the call returns. Freed blocks stay inaccessible for a while. Pointers that came from elsewhere pass through to the
real functions, and so do blocks beyond what the system has mappings for.

Three layouts, because no one shows everything: EXACT ends a block at the page to the byte, ALIGNED to 16 bytes as
malloc(3) promises, UNDER begins it right behind one. Fresh memory is filled, so that what reads it before writing it
sees no zeros by luck.
Source: Electric Fence (efence(3)) for the pages, AddressSanitizer for the names of the errors.
"""

from __future__ import annotations

import ctypes
import mmap
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from loadstone.core.counting import counted
from loadstone.fuzz.child.backtrace import Backtrace
from loadstone.fuzz.child.blocks import BlockTable
from loadstone.fuzz.child.imports import replace_imports
from loadstone.fuzz.plan import Heap

__all__ = ["ALLOCATORS", "FILL", "OTHER_FILLS", "GuardedHeap", "HeapError"]

_NEW: Final = ("_Znwm", "_Znam")
_DELETE: Final = ("_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm")
ALLOCATORS: Final = (
    "malloc", "calloc", "realloc", "free", "strdup", "strndup", "reallocarray", "posix_memalign", "aligned_alloc",
    "memalign", "malloc_usable_size", *_NEW, *_DELETE,
)  # fmt: skip
"""What is replaced; each is an import of the library under test or is left alone."""

_PAGE: Final = mmap.PAGESIZE
_PROT_NONE, _PROT_RW = 0, mmap.PROT_READ | mmap.PROT_WRITE
_QUARANTINE: Final = 512
_MOST_LIVE: Final = 16_000
"""A guarded block is two mappings, of which a process may have 65,530 (vm.max_map_count)."""
_MOST_BYTES: Final = 128 << 20
_POOLED: Final = 1 << 20
_EINVAL, _ENOMEM = 22, 12
_SLACK: Final = 0xFB
_CHECKED: Final = 64
"""Bytes of slack that are filled and checked on a side that has no page at once."""
FILL: Final = 0xBE
OTHER_FILLS: Final = (0, ord(" "))
"""What fresh memory holds: the usual pattern, and others where it is asked whether that matters: flags, counts and
pointers are another with 0, and texts and numbers that are compared with a limit with the other."""

_SIZE = ctypes.c_size_t
_POINTER = ctypes.c_void_p


class HeapError(NamedTuple):
    """What the heap saw: ASan's name for it, in words, the row of the block (-1: none), where it was noticed."""

    kind: str
    detail: str
    row: int = -1
    frames: tuple[int, ...] = ()


class _Guarded(NamedTuple):
    start: int  # of its memory
    whole: int  # of its memory, guard page included
    size: int  # asked for
    row: int


class GuardedHeap:
    """Replacements for one library's allocator imports. Child process only.

    ``report`` is called with an error, and comes back only from one that is told well enough already. ``recording``
    keeps the call stacks of allocations and frees, which costs more than the allocations do.
    """

    def __init__(
        self, layout: Heap, table: BlockTable, limit: int, report: Callable[[HeapError], None], where: Backtrace
    ) -> None:
        self.recording = False
        self.fill = FILL
        self._layout, self._table, self._limit, self._where = layout, table, limit, where
        self.report = report
        self.live: dict[int, _Guarded] = {}
        self.bytes: int = 0
        self._dead: deque[tuple[int, _Guarded]] = deque()
        self._dead_blocks: dict[int, int] = {}
        self._pool: dict[int, list[int]] = {}
        self._libc = libc = ctypes.CDLL(None)
        for name, result, *arguments in (
            ("mmap", _POINTER, _POINTER, _SIZE, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long),
            ("munmap", ctypes.c_int, _POINTER, _SIZE),
            ("mprotect", ctypes.c_int, _POINTER, _SIZE, ctypes.c_int),
            ("free", None, _POINTER),
            ("malloc", _POINTER, _SIZE),
            ("realloc", _POINTER, _POINTER, _SIZE),
            ("aligned_alloc", _POINTER, _SIZE, _SIZE),
            ("malloc_usable_size", _SIZE, _POINTER),
        ):
            getattr(libc, str(name)).restype, getattr(libc, str(name)).argtypes = result, arguments
        self._made = self._replacements()

    def _replacements(self) -> dict[str, Any]:
        kind = ctypes.CFUNCTYPE
        made: dict[str, Any] = {
            "malloc": kind(_POINTER, _SIZE)(self.malloc),
            "calloc": kind(_POINTER, _SIZE, _SIZE)(self.calloc),
            "realloc": kind(_POINTER, _POINTER, _SIZE)(self.realloc),
            "reallocarray": kind(_POINTER, _POINTER, _SIZE, _SIZE)(lambda p, n, size: self.realloc(p, n * size)),
            "free": kind(None, _POINTER)(self.free),
            "strdup": kind(_POINTER, ctypes.c_char_p)(self.copy),
            "strndup": kind(_POINTER, _POINTER, _SIZE)(self.strndup),
            "aligned_alloc": kind(_POINTER, _SIZE, _SIZE)(self.aligned_alloc),
            "memalign": kind(_POINTER, _SIZE, _SIZE)(self.aligned_alloc),
            "posix_memalign": kind(ctypes.c_int, ctypes.POINTER(_POINTER), _SIZE, _SIZE)(self.posix_memalign),
            "malloc_usable_size": kind(_SIZE, _POINTER)(self.usable_size),
        }
        made |= {name: kind(_POINTER, _SIZE)(lambda size: self.malloc(size or 1)) for name in _NEW}
        made |= {name: kind(None, _POINTER)(self.free) for name in _DELETE[:2]}
        made |= {name: kind(None, _POINTER, _SIZE)(lambda block, _size: self.free(block)) for name in _DELETE[2:]}
        return made

    def install(self, slots: tuple[tuple[str, int], ...], base: int) -> None:
        """Point the import slots (name, virtual address) of the library loaded at ``base`` to the replacements."""
        replace_imports(slots, base, self._made)

    def malloc(self, size: int) -> int:
        """A block of ``size`` bytes, filled, at a guard page; 0 when there is no memory."""
        return self._block(size, 1 if self._layout is Heap.EXACT else 16, "malloc")

    def calloc(self, count: int, size: int) -> int:
        block = self._block(count * size, 1 if self._layout is Heap.EXACT else 16, "calloc")
        if block:
            ctypes.memset(block, 0, count * size)
        return block

    def aligned_alloc(self, alignment: int, size: int) -> int:
        return self._block(size, alignment, "aligned_alloc")

    def posix_memalign(self, out: ctypes._Pointer[ctypes.c_void_p], alignment: int, size: int) -> int:
        if alignment % 8 or alignment & (alignment - 1):
            return _EINVAL
        block = self._block(size, alignment, "posix_memalign")
        if not block:
            return _ENOMEM
        out[0] = _POINTER(block)
        return 0

    def copy(self, text: bytes) -> int:
        block = self.malloc(len(text) + 1)
        if block:
            ctypes.memmove(block, text, len(text) + 1)
        return block

    def strndup(self, text: int, most: int) -> int:
        size = 0  # byte by byte, so that nothing is read that strndup does not read
        while size < most and ctypes.c_char.from_address(text + size).value != b"\0":
            size += 1
        return self.copy(ctypes.string_at(text, size))

    def usable_size(self, block: int | None) -> int:
        found = self.live.get(block or 0)
        return found.size if found else int(self._libc.malloc_usable_size(block))

    def realloc(self, block: int | None, size: int) -> int:
        if block and block not in self.live:
            self._refuse_freed(block, "realloc")
            return int(self._libc.realloc(block, size) or 0)
        if block and not size:
            self.free(block)
            return 0
        made = self.malloc(size)
        if made and block:
            ctypes.memmove(made, block, min(size, self.live[block].size))
            self.free(block)
        return made

    def free(self, block: int | None) -> None:
        """Make the block inaccessible; a second free is reported."""
        if not block:
            return
        found = self.live.pop(block, None)
        if found is None:
            self._refuse_freed(block, "free")
            self._libc.free(block)
            return
        self._check(block, found)
        self.bytes -= found.size
        self._table.free(found.row, block, self._where.stack() if self.recording else ())
        self._libc.mprotect(found.start, found.whole, _PROT_NONE)
        self._dead.append((block, found))
        self._dead_blocks[block] = found.row
        if len(self._dead) > _QUARANTINE:
            self._forget(*self._dead.popleft())

    def check(self) -> None:
        """At the return of a call: report what was written beside the blocks that are still there."""
        if self._layout is Heap.EXACT:
            return
        for block, found in list(self.live.items())[-256:]:
            self._check(block, found)

    def _refuse_freed(self, block: int, by: str) -> None:
        """Report a block that was freed before, or an address inside one of ours that is no block's beginning."""
        if block in self._dead_blocks:
            self.report(
                HeapError(
                    "double-free", f"{by} of a block that was freed", self._dead_blocks[block], self._where.stack()
                )
            )
        for address, found in self.live.items():
            if found.start <= block < found.start + found.whole:
                detail = f"{by} of an address {counted(block - address, 'byte')} from where its block begins"
                self.report(HeapError("bad-free", detail, found.row, self._where.stack()))
        if block % 16 or self._where.is_no_heap(block):
            self.report(HeapError("bad-free", f"{by} of an address that is not a heap block", -1, self._where.stack()))

    def _check(self, block: int, found: _Guarded) -> None:
        """Report what was written to the slack of a block: on the side of the page, and on the other."""
        if self._layout is Heap.EXACT:
            return
        for at, size, past in self._slack(block, found):
            if size and ctypes.string_at(at, size) != bytes((_SLACK,)) * size:
                seen = ctypes.string_at(at, size)
                first = next(i for i in range(size) if seen[i] != _SLACK)
                where = f"{counted(first, 'byte')} past" if past else f"{counted(size - first, 'byte')} before"
                detail = f"write {where} a block of {counted(found.size, 'byte')}"
                self.report(HeapError("heap-buffer-overflow", detail, found.row))

    def _slack(self, block: int, found: _Guarded) -> tuple[tuple[int, int, bool], ...]:
        """(address, size, whether it is past the block) of what is checked."""
        if self._layout is Heap.UNDER:
            low = found.start + _PAGE
            return (low, block - low, False), (block + found.size, self._behind(block, found), True)
        before = min(_CHECKED, block - found.start)
        return (block - before, before, False), (block + found.size, self._behind(block, found), True)

    def _behind(self, block: int, found: _Guarded) -> int:
        end = found.start + found.whole - (0 if self._layout is Heap.UNDER else _PAGE)
        return min(_CHECKED, end - block - found.size)

    def _block(self, size: int, alignment: int, by: str) -> int:
        if size > self._limit:
            self.report(HeapError("out-of-memory", f"{by} of {size:,} bytes at once", -1, self._where.stack()))
        if alignment > _PAGE or len(self.live) >= _MOST_LIVE or self.bytes + size > _MOST_BYTES:
            return self._unguarded(size, alignment)
        used = -(-size // alignment) * alignment
        whole = -(-max(used, 1) // _PAGE) * _PAGE + _PAGE
        start = self._memory(whole)
        if not start:
            return self._unguarded(size, alignment)
        block = start + _PAGE if self._layout is Heap.UNDER else start + whole - _PAGE - used
        row = self._table.add(start, whole, block, size, self._where.stack() if self.recording else ())
        found = _Guarded(start, whole, size, row)
        ctypes.memset(block, self.fill, size)
        if self._layout is not Heap.EXACT:
            for at, length, _ in self._slack(block, found):
                ctypes.memset(at, _SLACK, length)
        self.live[block] = found
        self.bytes += size
        return block

    def _unguarded(self, size: int, alignment: int) -> int:
        if alignment <= 16:
            return int(self._libc.malloc(size) or 0)
        return int(self._libc.aligned_alloc(alignment, size) or 0)

    def _memory(self, whole: int) -> int:
        """So many bytes with a guard page at the layout's side; 0 where there are none."""
        under = self._layout is Heap.UNDER
        pooled = self._pool.get(whole)
        if pooled:
            start = pooled.pop()
        else:
            start = int(self._libc.mmap(None, whole, _PROT_NONE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0) or 0)
            if start in (0, 0xFFFFFFFFFFFFFFFF):
                return 0
        if self._libc.mprotect(start + _PAGE if under else start, whole - _PAGE, _PROT_RW):
            self._libc.munmap(start, whole)
            return 0
        return start

    def _forget(self, block: int, found: _Guarded) -> None:
        """A block leaves the quarantine: its memory is used again, or given back."""
        self._dead_blocks.pop(block, None)
        if found.whole <= _POOLED:
            self._pool.setdefault(found.whole, []).append(found.start)
        else:
            self._libc.munmap(found.start, found.whole)
