"""Memory that the fuzzed child and its tracer share: the input between two guard pages, counters, and a log.

The input ends right before an inaccessible page, so that reading one byte too far is a crash and not a silent success;
in one run of four it begins right behind one instead, for reads before the start. The log holds every input of the
child's life, so that a failure which needs state can be replayed from the beginning. Layout: a control page, a guard
page, the input area, a guard page, the log.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from typing import Final

from loadstone.core.counting import counted
from loadstone.fuzz.child.blocks import BlockTable
from loadstone.fuzz.child.call_stack import CallStack

__all__ = ["Arena", "GuardedArea"]

_PAGE: Final = mmap.PAGESIZE
_CONTROL = struct.Struct("<QIIII")  # runs, size of the input, where it begins, bytes in the log, whether it is new
_RUNS = struct.Struct("<Q")
_HEAD = struct.Struct("<QII")
_PLACED = struct.Struct("<QIII")
_WORD = struct.Struct("<I")
_LOG_AT: Final = 16
_NEWS_AT: Final = 20
_SLOW_AT: Final = 24
_DEPTH_AT: Final = 28  # outlives a child: the next one need not go as deep again to know
_LOG_SIZE: Final = 8 << 20
_MOST_RUNS: Final = 10_000_000  # of one child: a hundred times as many as there is time for
_MOST_KEPT: Final = 200_000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Arena:
    """One campaign's shared memory. The child writes inputs and counts; the tracer reads, and writes ``news``."""

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self.blocks: BlockTable = BlockTable()
        self.stack: CallStack = CallStack()
        self.area: int = -(-max(max_size + 1, 1) // _PAGE) * _PAGE  # one more byte than an input: the NUL of a text
        self._map = mmap.mmap(-1, _PAGE + _PAGE + self.area + _PAGE + _LOG_SIZE)
        self.address: int = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._low = 2 * _PAGE
        self._high = self._low + self.area
        self._log = self._high + _PAGE
        self._placed, self._logged = 0, 0  # the child's own counts, which it writes down
        self.slack = 0
        """Bytes of 0 between an input and the guard page behind it, where there is room."""
        for guard in (_PAGE, self._high):
            if _libc.mprotect(self.address + guard, _PAGE, 0) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")

    def place(self, data: bytes, *, at_start: bool) -> int:
        """In the child: make ``data`` the input and count a run; returns its address."""
        shared, size = self._map, len(data)
        at = self._low if at_start else self._high - size
        if self.slack:
            end = min(at + size + self.slack, self._high)
            at = max(self._low, end - self.slack - size)
            shared[at + size : end] = bytes(end - at - size)
        shared[at : at + size] = data
        used = self._logged
        if used + 4 + size <= _LOG_SIZE:
            start = self._log + used
            _WORD.pack_into(shared, start, size)
            shared[start + 4 : start + 4 + size] = data
            self._logged = used = used + 4 + size
        self._placed += 1
        _PLACED.pack_into(shared, 0, self._placed, size, at, used)
        return self.address + at

    def take_news(self) -> bool:
        """In the child: whether the last input reached something new; asking forgets it."""
        if not self._map[_NEWS_AT]:
            return False
        self._map[_NEWS_AT] = 0
        return True

    def tell_slow(self) -> None:
        """In the child: the last input takes much longer than others."""
        self._map[_SLOW_AT] = 1

    def take_slow(self) -> bool:
        """In the tracer: whether the child said so; asking forgets it."""
        slow = bool(self._map[_SLOW_AT])
        self._map[_SLOW_AT] = 0
        return slow

    @property
    def depth(self) -> int:
        """Bytes of stack that the deepest input of all children so far has used; 0 where nobody knows."""
        return int(_WORD.unpack_from(self._map, _DEPTH_AT)[0])

    @depth.setter
    def depth(self, size: int) -> None:
        _WORD.pack_into(self._map, _DEPTH_AT, size)

    def tell_news(self) -> None:
        """In the tracer: the input at hand reached something new."""
        self._map[_NEWS_AT] = 1

    @property
    def runs(self) -> int:
        """Calls begun so far, by the child's count; none where no child can have made so many."""
        count = int(_RUNS.unpack_from(self._map, 0)[0])
        return count if count <= _MOST_RUNS else 0

    @property
    def current(self) -> bytes:
        """The input of the call under way; nothing where what is written down is no input's place."""
        _, size, at = _HEAD.unpack_from(self._map, 0)
        return bytes(self._map[at : at + size]) if self._is_place(at, size) else b""

    @property
    def forged(self) -> bool:
        """Whether somebody else than our child's code wrote here: a place outside the area, counts that cannot be."""
        runs, size, at = _HEAD.unpack_from(self._map, 0)
        (used,) = _WORD.unpack_from(self._map, _LOG_AT)
        return runs > _MOST_RUNS or used > _LOG_SIZE or (runs > 0 and not self._is_place(at, size))

    def _is_place(self, at: int, size: int) -> bool:
        return size <= self.max_size + 1 and self._low <= at and at + size <= self._high

    @property
    def log_full(self) -> bool:
        """Whether the next input might not fit the log, so that a fresh child had better take over."""
        return bool(_WORD.unpack_from(self._map, _LOG_AT)[0] + 4 + self.area > _LOG_SIZE)

    def history(self) -> tuple[bytes, ...]:
        """Every input since the child began, the one of the call under way last."""
        (used,) = _WORD.unpack_from(self._map, _LOG_AT)
        log = bytes(self._map[self._log : self._log + min(used, _LOG_SIZE)])
        found: list[bytes] = []
        at = 0
        while at + 4 <= len(log):
            (size,) = _WORD.unpack_from(log, at)
            if size > self.max_size + 1 or len(found) == _MOST_KEPT:  # no child of ours wrote that
                return (self.current,)
            found.append(log[at + 4 : at + 4 + size])
            at += 4 + size
        return tuple(found) or (self.current,)

    def reset(self) -> None:
        """In the tracer, while no child runs: begin to count again."""
        self._map[: _CONTROL.size] = bytes(_CONTROL.size)
        self._placed, self._logged = 0, 0
        self.blocks.reset()

    def distance(self, address: int) -> str:
        """How far an address in a guard page lies from the input of the call under way, in words."""
        _, size, at = _HEAD.unpack_from(self._map, 0)
        offset = address - self.address
        if offset < at:
            return f"{counted(at - offset, 'byte')} before the input of {counted(size, 'byte')}"
        return f"{counted(offset - at - size, 'byte')} past the input of {counted(size, 'byte')}"

    def guard_name(self, address: int) -> str:
        """Which guard page an address lies in: ``over`` (behind the input), ``under`` (before it), or ""."""
        offset = address - self.address
        if self._high <= offset < self._high + _PAGE:
            return "over"
        return "under" if _PAGE <= offset < self._low else ""


class GuardedArea:
    """``size`` bytes of writable memory that end at an inaccessible page: what a callee may write, and no byte more."""

    def __init__(self, size: int, blocks: BlockTable) -> None:
        self.size = size
        whole = -(-max(size, 1) // _PAGE) * _PAGE
        self._map = mmap.mmap(-1, whole + _PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self.address: int = start + whole - size
        if _libc.mprotect(start + whole, _PAGE, 0) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")
        blocks.add(start, whole + _PAGE, self.address, size)

    def cleared(self) -> int:
        """The address, after every byte is 0 again: a call never sees what an earlier one wrote."""
        ctypes.memset(self.address, 0, self.size)
        return self.address

    def content(self) -> bytes:
        """What is in it now."""
        return ctypes.string_at(self.address, self.size)
