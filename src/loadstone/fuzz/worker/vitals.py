"""What the kernel says about a child of ours, without its help: stopped or ended, busy or asleep, how much it uses."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from functools import cache
from typing import Final

from loadstone.fuzz.worker.tracer import ChildStop
from loadstone.probe.linux import proc

__all__ = ["hangs", "in_allocator", "open_descriptors", "patience_of", "reap", "resident", "taken", "used_time", "wait"]

_STARVED: Final = 20
"""So many times the limit without any call is a hang, however little processor time the child got."""
_KNOWN: Final = 3
_PATIENT_EVERY: Final = 4
_IMPATIENCE: Final = 10
_ALLOCATOR: Final = ("malloc", "free", "realloc", "calloc")
_AROUND: Final = 12 << 10
"""Bytes of the allocator's own helpers on either side of what it exports."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def wait(pid: int, limit: float) -> ChildStop:
    """Wait for a child to stop or end, ``limit`` seconds at most."""
    end = time.monotonic() + limit
    while True:
        found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if found:
            if os.WIFSTOPPED(status):
                return ChildStop(signal=os.WSTOPSIG(status))
            return (
                ChildStop(exited=os.WEXITSTATUS(status))
                if os.WIFEXITED(status)
                else ChildStop(killed_by=os.WTERMSIG(status))
            )
        if time.monotonic() > end:
            return ChildStop()
        signal.sigtimedwait([signal.SIGCHLD], 0.05)


def reap(pid: int) -> None:
    """Kill a child if it lives, and wait for it; nothing when it is reaped already."""
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def resident(pid: int) -> int:
    """Resident memory in bytes, with its page tables; 0 once the process is gone."""
    try:
        return proc.held(pid)
    except (OSError, IndexError, ValueError):
        return 0


def patience_of(generation: int, hung: int, limit: float) -> float:
    """How long a child of this generation may be at one call, in seconds, when ``hung`` of those before it hung.

    A function that hangs at every other input would be given a second for each: once that is known, one child in four
    waits as long as before, and the others a tenth of it.

    >>> [patience_of(generation, 5, 1.0) for generation in range(4, 9)]
    [1.0, 0.1, 0.1, 0.1, 1.0]
    """
    hurried = hung >= _KNOWN and generation % _PATIENT_EVERY
    return limit / _IMPATIENCE if hurried else limit


def hangs(pid: int, waited: float, used: float, limit: float) -> bool:
    """Whether a child that made no call for ``waited`` seconds hangs, or only waits for its turn on a busy machine."""
    return waited > _STARVED * limit or _sleeps(pid) or used_time(pid) - used > limit / 2


def _stat(pid: int) -> list[str]:
    """What proc(5) says in stat, from the state on; nothing once the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def taken(pid: int) -> int:
    """Private memory it has asked for, used or not: what the sandbox limits; 0 once the process is gone."""
    try:
        return proc.memory(pid).data
    except (OSError, IndexError, ValueError):
        return 0


def open_descriptors(pid: int) -> int:
    """How many it has open; 0 once the process is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def used_time(pid: int) -> float:
    """Processor time so far, in seconds: utime and stime of proc(5), stat."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS if len(fields) > 12 else 0.0


def _sleeps(pid: int) -> bool:
    return _stat(pid)[:1] in (["S"], ["D"])


def _c_library() -> ctypes.CDLL:
    """By its own handle: a Python at a fixed address gives its own PLT as the address of malloc to all who ask."""
    try:
        return ctypes.CDLL("libc.so.6")
    except OSError:  # not glibc
        return ctypes.CDLL(None)


@cache
def _allocator() -> tuple[int, int]:
    """Where the C library's allocator lies, in this process and in every child forked from it."""
    libc = _c_library()
    places = [ctypes.cast(getattr(libc, name), ctypes.c_void_p).value or 0 for name in _ALLOCATOR]
    return min(places) - _AROUND, max(places) + _AROUND


def in_allocator(address: int) -> bool:
    """Whether code at an address is malloc, free or kin of the C library: they lie side by side in it."""
    low, high = _allocator()
    return low <= address < high
