"""What is asked of a call that came back: what did it keep, and did garbage reach its answer?

Kept are memory that nothing points to, and descriptors that the caller was not given. Each question is put by running
the same input again. A leak loses as much every time; what is read before it is written gives another answer where
fresh memory holds another pattern, and the same where it holds the same one. Child process only, with a guarded heap.
Sources: LeakSanitizer for what a leak is (no path of pointers leads there); MemorySanitizer for the other's name.
"""

from __future__ import annotations

import ctypes
import os
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Final

from loadstone.core.counting import counted
from loadstone.fuzz.child.guarded_globals import GuardedGlobals
from loadstone.fuzz.child.guarded_heap import FILL, OTHER_FILLS, GuardedHeap, HeapError

__all__ = ["Answer", "ReturnJudge", "told_bytes"]

_AGAIN: Final = 4
_MOST_LOOKS: Final = 40
"""Inputs of one child that are looked at for leaks."""
_FILLS: Final = (FILL, OTHER_FILLS[0], OTHER_FILLS[1], OTHER_FILLS[1], FILL, OTHER_FILLS[0])
"""An order that no counter which alternates, or counts to three, falls into."""
_PIECE: Final = 1 << 20
"""Bytes looked through at once: a number of Python's is four times what it stands for, and memory is limited here."""
_NONE_FREE: Final = 1 << 30
_INTERPRETER: Final = ("python", "_ctypes", "libffi")

Answer = tuple[object, bytes, tuple[int, ...]]
"""What a run gave: the numbers it returned, what it wrote to its out areas, and addresses that the caller holds now."""


def told_bytes(result: object, content: bytes) -> bytes:
    """What of an out area a call gave to its caller, by its result: so many bytes, all of them, or none at an error.

    What lies behind that many, or at an error, is promised to nobody: decompressors write more than they say.

    >>> told_bytes(2, b"abcd"), told_bytes(0, b"abcd"), told_bytes(-1, b"abcd")
    (b'ab', b'abcd', b'')
    """
    if not isinstance(result, int) or result == 0 or result > len(content):
        return content
    return content[:result] if result > 0 else b""


class ReturnJudge:
    """Looks at one library's runs; ``run`` runs one input, ``fill`` says what the stack below a call holds."""

    def __init__(
        self,
        heap: GuardedHeap,
        gaps: GuardedGlobals,
        run: Callable[[bytes, bool], Answer],
        fill: Callable[[int | None], None],
    ) -> None:
        self._heap, self._gaps, self._run, self._fill = heap, gaps, run, fill
        self._looks = _MOST_LOOKS

    def run(self, data: bytes, at_start: bool) -> Answer:
        """Run the input; report what it wrote beside a block, and what it lost."""
        live = self._heap.live
        before, free = len(live), _lowest_free()
        answer = self._run(data, at_start)
        self._heap.check()
        self._gaps.check()
        if len(live) > before and self._looks:
            self._looks -= 1
            self._look_for_leak(data, at_start)
        if _lowest_free() > free and self._looks:
            self._looks -= 1
            self._look_for_descriptors(data, at_start)
        return answer

    def garbage(self, data: bytes, at_start: bool) -> None:
        """Report an answer that depends on what fresh memory held, or what lies between global objects."""
        if self._depends(data, at_start, fresh=True, between=bool(self._gaps)):
            error = HeapError("use-of-uninitialized-value", "its result depends on uninitialised memory")
            if self._gaps and self._depends(data, at_start, fresh=False, between=True):
                error = HeapError("global-buffer-overflow", "its result depends on bytes behind a global object")
            self._heap.report(error)

    def _depends(self, data: bytes, at_start: bool, *, fresh: bool, between: bool) -> bool:
        """Whether the answer goes with the pattern that such memory is filled with."""
        seen: dict[int, object] = {}
        steady = True
        for fill in _FILLS:
            self._heap.fill = fill if fresh else FILL
            self._fill(self._heap.fill)
            if between:
                self._gaps.fill(fill)
            result, written, _ = self.run(data, at_start)
            answer = (result, written)
            steady = seen.setdefault(fill, answer) == answer
            if not steady:
                break  # it differs anyway
        self._heap.fill = FILL
        self._gaps.fill(FILL)
        self._fill(None)
        return steady and any(answer != seen[FILL] for answer in seen.values())

    def _look_for_leak(self, data: bytes, at_start: bool) -> None:
        """Run the input again and again; report it when each run loses as much as the one before."""
        if len(os.listdir("/proc/self/task")) > 1:  # other threads may hold what we do not see
            return
        recording, self._heap.recording = self._heap.recording, True
        lost: list[list[int]] = []
        for _ in range(_AGAIN):
            before = set(self._heap.live)
            *_, held = self._run(data, at_start)
            self._heap.check()
            fresh = [block for block in self._heap.live if block not in before]
            lost.append(self._unreachable(fresh, held))
            if not lost[-1]:
                break
        else:
            sizes = {sum(self._heap.live[block].size for block in blocks) for blocks in lost[1:]}
            if len(sizes) == 1:
                count = len(lost[-1])
                detail = f"every call keeps {counted(sizes.pop(), 'byte')} in {counted(count, 'block')}"
                self._heap.report(HeapError("memory-leak", detail, self._heap.live[lost[-1][0]].row))
        self._heap.recording = recording

    def _look_for_descriptors(self, data: bytes, at_start: bool) -> None:
        """Run the input again and again; report it when each run leaves one more descriptor open, and tells nobody."""
        for _ in range(_AGAIN):
            free = _lowest_free()
            *_, held = self._run(data, at_start)
            if _lowest_free() <= free or free in held:
                return
        self._heap.report(HeapError("descriptor-leak", "every call leaves a descriptor open"))

    def _unreachable(self, blocks: list[int], held: Iterable[int]) -> list[int]:
        """The blocks no pointer leads to: not from what the caller holds, nor from any library's data."""
        starts = sorted(self._heap.live)
        reached: set[int] = set()
        todo = self._blocks_of(held, starts)
        for low, high in _data_of_libraries():
            todo |= self._blocks_in(low, high - low, starts)
        while todo:
            block = todo.pop()
            if block not in reached:
                reached.add(block)
                todo |= self._blocks_in(block, self._heap.live[block].size, starts) - reached
        return [block for block in blocks if block not in reached]

    def _blocks_in(self, address: int, size: int, starts: list[int]) -> set[int]:
        low = -(-address // 8) * 8
        end = address + size - 7
        return set().union(
            *(self._blocks_of(_words(at, min(end + 7 - at, _PIECE)), starts) for at in range(low, end, _PIECE))
        )

    def _blocks_of(self, words: Iterable[int], starts: list[int]) -> set[int]:
        """The blocks that these words point to, or into."""
        if not starts:
            return set()
        first, last = starts[0], starts[-1] + self._heap.live[starts[-1]].size
        found = set()
        for word in words:
            if first <= word <= last:
                block = starts[bisect_right(starts, word) - 1]
                if word <= block + self._heap.live[block].size:
                    found.add(block)
        return found


def _lowest_free() -> int:
    """The number that the next descriptor gets."""
    try:
        number = os.dup(2)
    except OSError:  # none is free any more
        return _NONE_FREE
    os.close(number)
    return number


def _words(address: int, size: int) -> tuple[int, ...]:
    count = size // 8
    return struct.unpack(f"<{count}Q", ctypes.string_at(address, 8 * count))


def _data_of_libraries() -> list[tuple[int, int]]:
    """The writable data of every library but the interpreter's, zero-filled data behind it included."""
    found: list[tuple[int, int]] = []
    end, taken = 0, False
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            span, flags, _, _, _, *path = line.split(maxsplit=5)
            low, high = (int(part, 16) for part in span.split("-"))
            name = os.path.basename(path[0].strip()) if path else ""
            if name and not name.startswith("["):
                taken = not name.startswith(_INTERPRETER) and ".cpython-" not in name and "/dev/" not in path[0]
            elif low != end or name:
                taken = False
            if taken and flags.startswith("rw"):
                found.append((low, high))
            end = high
    return found
