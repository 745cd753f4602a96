"""A thread that a signal stopped: what the tracer reads before it lets the signal through."""

from __future__ import annotations

import signal
from typing import Any, Final

from loadstone.probe.linux import proc, ptrace
from loadstone.probe.linux.ptrace import Registers, SignalInfo
from loadstone.probe.observers.frames import Space, walk

__all__ = ["FATAL", "look"]

FATAL: Final = frozenset(
    {
        signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT,
        signal.SIGSYS, signal.SIGTRAP, signal.SIGXCPU, signal.SIGXFSZ,
    }
)  # fmt: skip
"""Signals a crash comes with."""

_NULL_PAGE: Final = 64 << 10
_NEAR_STACK: Final = 64 << 10


def look(process: int, thread: int) -> dict[str, Any]:
    """What is known of the crash, addresses turned into file and offset. Raises OSError when the thread is gone."""
    info, registers = ptrace.signal_info(thread), ptrace.registers(thread)
    space = Space(proc.mappings(process))
    return {
        "signal": info.number,
        "code": info.code,
        "address": info.address,
        "kind": _kind(info, registers, space),
        "frames": walk(thread, registers, space),
    }


def _kind(info: SignalInfo, registers: Registers, space: Space) -> str:
    if info.number == signal.SIGABRT:
        return "abort"
    if info.code <= 0:
        return "signal sent by itself"
    if info.address is None or info.number not in (signal.SIGSEGV, signal.SIGBUS):
        return ""
    if not space.is_code(registers.instruction):
        return "null page" if registers.instruction < _NULL_PAGE else "unmapped code"
    if abs(info.address - registers.stack) <= _NEAR_STACK and not _writable(info.address, space):
        return "stack exhaustion"
    if info.address < _NULL_PAGE:
        return "null page"
    there = space.find(info.address)
    return "guard page" if there is not None and there.rights.startswith("---") else ""


def _writable(address: int, space: Space) -> bool:
    there = space.find(address)
    return there is not None and "w" in there.rights
