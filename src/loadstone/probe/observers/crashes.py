"""A thread that a signal stopped: what the tracer reads before it lets the signal through."""

from __future__ import annotations

import os
import signal
from typing import Final

from loadstone.core.observations import Phase
from loadstone.probe.answer import CodePlace, TracedCrash
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


def look(process: int, thread: int, phase: Phase) -> TracedCrash:
    """What is known of the crash, addresses turned into file and offset. Raises OSError when the thread is gone."""
    info, registers = ptrace.signal_info(thread), ptrace.registers(thread)
    space = Space(proc.mappings(process))
    frames = _without_ours(walk(thread, registers, space))
    return TracedCrash(info.number, phase, info.code, info.address, _kind(info, registers, space), tuple(frames))


def _without_ours(frames: list[CodePlace]) -> list[CodePlace]:
    """Without the frames below the loader that called into the library: they are the probe's own, and by their looks.

    All of them where nothing but the probe's own files is to be seen.
    """
    ours = {mapping.path for mapping in proc.mappings(os.getpid())}
    last = max((at for at, frame in enumerate(frames) if frame.path not in ours), default=None)
    if last is None:
        return frames
    end = last + 1
    while end < len(frames) and os.path.basename(frames[end].path).startswith("ld"):
        end += 1
    return frames[:end]


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
