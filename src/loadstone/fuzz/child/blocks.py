"""The blocks of a guarded heap and the areas of a call, in memory that the child and its tracer share.

The child writes a row for every block it gives out; when it dies at an address, the tracer looks up whose that was:
past which block, before which, or in one that was freed, and who allocated and freed it. Rows are used again in a ring,
the oldest first. Foreign code can write here too, so what is read is a hint with bounds, never believed to be more.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from loadstone.core.counting import counted

__all__ = ["DEPTH", "ROWS", "BlockTable", "GuardedBlock", "Touch"]

DEPTH: Final = 6
"""Frames that are kept of a call stack, innermost first."""
ROWS: Final = 16_384
_FREED: Final = 1 << 63
_ROW = struct.Struct(f"<QQQQ{DEPTH}Q{DEPTH}Q")
"""Its memory (where, how much), the block, its size and whether it is freed, who allocated it, who freed it."""
_SIZE_AT: Final = 24
_FREED_AT: Final = 32 + 8 * DEPTH
_NOBODY: Final = (0,) * DEPTH
_SIZE = struct.Struct("<Q")
_PLACE = struct.Struct("<QQ")
_STACK = struct.Struct(f"<{DEPTH}Q")


class GuardedBlock(NamedTuple):
    """One block: its address, its size in bytes, whether it was freed, who allocated and who freed it."""

    address: int
    size: int
    freed: bool
    allocated_by: tuple[int, ...]
    freed_by: tuple[int, ...]


class Touch(NamedTuple):
    """An address in or around a block: ASan's name for the error, and where it lies from the block, in words."""

    kind: str
    detail: str
    block: GuardedBlock


class BlockTable:
    """A ring of rows in shared memory; make it before forking."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, ROWS * _ROW.size)
        self._next = 0

    def add(self, start: int, whole: int, address: int, size: int, stack: Sequence[int] = ()) -> int:
        """In the child: a block of ``size`` bytes in ``whole`` bytes of memory at ``start``; returns its row."""
        row = self._next
        self._next = (row + 1) % ROWS
        _ROW.pack_into(self._map, row * _ROW.size, start, whole, address, size, *_padded(stack), *_NOBODY)
        return row

    def move(self, row: int, address: int, size: int) -> None:
        """In the child: the block of that row has another place and size within its memory."""
        _PLACE.pack_into(self._map, row * _ROW.size + 16, address, size)

    def free(self, row: int, address: int, stack: Sequence[int] = ()) -> None:
        """In the child: the block of that row is freed; nothing where the row is another's by now."""
        at = row * _ROW.size
        if _SIZE.unpack_from(self._map, at + 16)[0] != address:
            return
        (size,) = _SIZE.unpack_from(self._map, at + _SIZE_AT)
        _SIZE.pack_into(self._map, at + _SIZE_AT, size | _FREED)
        _STACK.pack_into(self._map, at + _FREED_AT, *_padded(stack))

    def at(self, row: int) -> GuardedBlock:
        """The block of a row."""
        return _block(_ROW.unpack_from(self._map, row * _ROW.size))

    def reset(self) -> None:
        """In the tracer, before a child is forked: no block."""
        self._map[:] = bytes(len(self._map))
        self._next = 0

    def touched(self, address: int) -> Touch | None:
        """In the tracer: whose memory an address is, when no access is allowed there; None when it is no block's."""
        found: GuardedBlock | None = None
        for row in _ROW.iter_unpack(self._map[:]):
            if row[0] <= address < row[0] + row[1]:
                block = _block(row)
                if found is None or found.freed:  # of two rows for the same memory the live one is the later
                    found = block
        return None if found is None else _touch(address, found)


def _padded(stack: Sequence[int]) -> tuple[int, ...]:
    return (*stack[:DEPTH], *_NOBODY)[:DEPTH] if stack else _NOBODY


def _block(row: tuple[int, ...]) -> GuardedBlock:
    stacks = row[4 : 4 + DEPTH], row[4 + DEPTH :]
    allocated, freed = (tuple(frame for frame in stack if frame) for stack in stacks)
    return GuardedBlock(row[2], row[3] & ~_FREED, bool(row[3] & _FREED), allocated, freed)


def _touch(address: int, block: GuardedBlock) -> Touch | None:
    of = f"a block of {counted(block.size, 'byte')}"
    at = address - block.address
    if block.freed:
        return Touch("heap-use-after-free", f"{counted(at, 'byte')} into {of} that was freed", block)
    if at >= block.size:
        return Touch("heap-buffer-overflow", f"{counted(at - block.size, 'byte')} past {of}", block)
    if at < 0:
        return Touch("heap-buffer-overflow", f"{counted(-at, 'byte')} before {of}", block)
    return None
