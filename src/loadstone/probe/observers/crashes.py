"""A thread that a signal stopped: what the tracer reads before it lets the signal through."""

from __future__ import annotations

import signal
import struct
from typing import Any, Final

from loadstone.probe.linux import proc, ptrace
from loadstone.probe.linux.proc import Mapping
from loadstone.probe.linux.ptrace import Registers, SignalInfo

__all__ = ["FATAL", "look"]

FATAL: Final = frozenset(
    {
        signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT,
        signal.SIGSYS, signal.SIGTRAP, signal.SIGXCPU, signal.SIGXFSZ,
    }
)  # fmt: skip
"""Signals a crash comes with."""

_STACK_BYTES: Final = 32 << 10
_MAX_FRAMES: Final = 12
_NULL_PAGE: Final = 64 << 10
_NEAR_STACK: Final = 64 << 10


def look(process: int, thread: int) -> dict[str, Any]:
    """What is known of the crash, addresses turned into file and offset. Raises OSError when the thread is gone."""
    info, registers = ptrace.signal_info(thread), ptrace.registers(thread)
    mappings = proc.mappings(process)
    stack = proc.read_memory(thread, registers.stack, _STACK_BYTES)
    return {
        "signal": info.number,
        "code": info.code,
        "address": info.address,
        "kind": _kind(info, registers, mappings),
        "frames": [_place(address, likely, mappings) for address, likely in _addresses(registers, stack, mappings)],
    }


def _find(address: int, mappings: list[Mapping]) -> Mapping | None:
    return next((m for m in mappings if m.start <= address < m.end), None)


def _place(address: int, likely: bool, mappings: list[Mapping]) -> tuple[int, str, int, bool]:
    """Address, file, offset from where the file was loaded, and whether it was found by scanning."""
    here = _find(address, mappings)
    if here is None or not here.path:
        return address, "", 0, likely
    base = min(m.start - m.offset for m in mappings if m.path == here.path and m.inode == here.inode)
    return address, here.path, address - base, likely


def _addresses(registers: Registers, stack: bytes, mappings: list[Mapping]) -> list[tuple[int, bool]]:
    """The instruction, then return addresses: by frame pointers as far as they lead, else by scanning the stack."""
    found = [(registers.instruction, False)]
    frame = registers.frame
    while len(found) < _MAX_FRAMES:
        at = frame - registers.stack
        if not 0 <= at <= len(stack) - 16 or at % 8:
            break
        following, back = struct.unpack_from("=QQ", stack, at)
        if not _is_code(back, mappings) or following <= frame:
            break
        found.append((back, False))
        frame = following
    if len(found) < 3:
        seen = {address for address, _ in found}
        for (word,) in struct.iter_unpack("=Q", stack[: len(stack) & ~7]):
            if len(found) >= _MAX_FRAMES:
                break
            if word not in seen and _is_code(word, mappings):
                seen.add(word)
                found.append((word, True))
    return found


def _is_code(address: int, mappings: list[Mapping]) -> bool:
    here = _find(address, mappings)
    return here is not None and "x" in here.rights


def _kind(info: SignalInfo, registers: Registers, mappings: list[Mapping]) -> str:
    if info.number == signal.SIGABRT:
        return "abort"
    if info.code <= 0:
        return "signal sent by itself"
    if info.address is None or info.number not in (signal.SIGSEGV, signal.SIGBUS):
        return ""
    if not _is_code(registers.instruction, mappings):
        return "null page" if registers.instruction < _NULL_PAGE else "unmapped code"
    if abs(info.address - registers.stack) <= _NEAR_STACK and not _writable(info.address, mappings):
        return "stack exhaustion"
    if info.address < _NULL_PAGE:
        return "null page"
    there = _find(info.address, mappings)
    return "guard page" if there is not None and there.rights.startswith("---") else ""


def _writable(address: int, mappings: list[Mapping]) -> bool:
    there = _find(address, mappings)
    return there is not None and "w" in there.rights
