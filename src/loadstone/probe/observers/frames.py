"""Where a stopped thread is, and how it came there: addresses as files and offsets. Reads memory from outside."""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from loadstone.probe.answer import CodePlace
from loadstone.probe.linux import proc
from loadstone.probe.linux.proc import Mapping
from loadstone.probe.linux.ptrace import Registers
from loadstone.probe.linux.syscalls import PROCESSOR

__all__ = ["Space", "walk"]

_STACK_BYTES: Final = 32 << 10
_MAX_FRAMES: Final = 12
_LONGEST_CALL: Final = 7
_LOOKED_FOR_JUMPS: Final = 64
_LONGEST_FUNCTION: Final = 64 << 10
_CALLS_IN_MEMORY: Final = (2, 3, 4, 6, 7)
"""Lengths of an indirect call by its addressing mode, without prefixes (FF /2, Intel SDM volume 2, "CALL")."""


class Space:
    """The mappings of a process, to be asked what lies at an address: some thousand times a stack."""

    def __init__(self, mappings: Sequence[Mapping]) -> None:
        self.mappings = mappings
        self._starts = [m.start for m in mappings]  # the kernel lists them by address
        code = [(m.start, m.end) for m in mappings if "x" in m.rights]
        self._code_bounds = [bound for span in code for bound in span]

    def find(self, address: int) -> Mapping | None:
        """The mapping that holds an address."""
        at = bisect_right(self._starts, address) - 1
        return self.mappings[at] if at >= 0 and address < self.mappings[at].end else None

    def is_code(self, address: int) -> bool:
        """Whether what is at an address can be executed."""
        return bool(bisect_right(self._code_bounds, address) & 1)

    def place(self, address: int, *, likely: bool) -> CodePlace:
        """The address as a file and an offset in it."""
        here = self.find(address)
        if here is None or not here.path:
            return CodePlace(address, "", 0, likely)
        base = min(m.start - m.offset for m in self.mappings if m.path == here.path and m.inode == here.inode)
        return CodePlace(address, here.path, address - base, likely)


def walk(thread: int, registers: Registers, space: Space) -> list[CodePlace]:
    """The instruction, then the callers: by frame pointers as far as they lead, else by scanning the stack."""
    memory = proc.open_memory(thread)
    try:
        stack = proc.read_at(memory, registers.stack, _STACK_BYTES)
        chain = _by_frame_pointers(registers, stack, space)
        callers = _callers(memory, registers.instruction, chain, stack, space)
        return [space.place(at, likely=likely) for at, likely in ((registers.instruction, False), *callers)]
    finally:
        os.close(memory)


def _by_frame_pointers(registers: Registers, stack: bytes, space: Space) -> dict[int, int]:
    """Return addresses by where they are on the stack, as far as frame pointers lead."""
    found: dict[int, int] = {}
    frame = registers.frame
    while len(found) < _MAX_FRAMES:
        at = frame - registers.stack
        if not 0 <= at <= len(stack) - 16 or at % 8:
            break
        following, back = struct.unpack_from("=QQ", stack, at)
        if not space.is_code(back) or following <= frame:
            break
        found[at + 8] = back
        frame = following
    return found


def _callers(
    memory: int, instruction: int, chain: dict[int, int], stack: bytes, space: Space
) -> list[tuple[int, bool]]:
    """The chain of frame pointers, and where it has no say, every word that is a return address by its looks.

    That is before the chain, where functions keep no frame pointer, and behind it when it did not lead far.
    """
    first, trusted = min(chain, default=len(stack)), len(chain) > 1
    found: list[tuple[int, bool]] = []
    seen: set[int] = set()
    inner = instruction
    for position, (word,) in enumerate(struct.iter_unpack("=Q", stack[: len(stack) & ~7])):
        at = 8 * position
        if len(found) >= _MAX_FRAMES - 1:
            break
        if at in chain:
            found.append((word, False))
            inner = word
        elif (at < first or not trusted) and word not in seen and _is_return(memory, word, space, inner):
            seen.add(word)
            found.append((word, True))
            inner = word
    return found


def _may_lead_to(memory: int, function: int, inner: int) -> bool:
    """Whether an address is in a function, or in one that it goes on to by a jump in its first instructions."""
    if 0 <= inner - function < _LONGEST_FUNCTION:
        return True
    start = proc.read_at(memory, function, _LOOKED_FOR_JUMPS)
    jumps = (at for at in range(len(start) - 4) if start[at] == 0xE9)
    ends = (function + at + 5 + int.from_bytes(start[at + 1 : at + 5], "little", signed=True) for at in jumps)
    return any(0 <= inner - end < _LONGEST_FUNCTION for end in ends)


def _is_return(memory: int, address: int, space: Space, inner: int) -> bool:
    """Whether the instruction before an address is a call that may have led to ``inner``; not told but on x86-64.

    A direct call within one file leads to where the inner frame is, or it is no caller of that: such words are left on
    the stack by calls that returned long ago.
    """
    if not space.is_code(address):
        return False
    if PROCESSOR != "x86_64":
        return True
    before = proc.read_at(memory, address - _LONGEST_CALL, _LONGEST_CALL).rjust(_LONGEST_CALL, b"\0")
    if before[-5] == 0xE8:
        target = address + int.from_bytes(before[-4:], "little", signed=True)
        here, there = space.find(target), space.find(inner)
        same = here is not None and there is not None and here.start == there.start and space.find(address) == here
        return not same or _may_lead_to(memory, target, inner)
    return any(before[-size] == 0xFF and before[1 - size] >> 3 & 7 == 2 for size in _CALLS_IN_MEMORY)
