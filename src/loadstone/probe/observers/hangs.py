"""A process that does not come back: where each of its threads is, and what it waits for.

With a tracer every thread is stopped for the look. Without, what the kernel shows of a sleeping thread has to do: its
system call, stack pointer and instruction (proc(5), /proc/PID/syscall); of a running one nothing is known.
"""

from __future__ import annotations

import os
import select
from collections.abc import Collection
from contextlib import suppress
from time import monotonic
from typing import Final

from loadstone.probe.answer import CodePlace, TracedThread
from loadstone.probe.linux import proc, ptrace
from loadstone.probe.linux.proc import Waiting
from loadstone.probe.linux.ptrace import Registers
from loadstone.probe.linux.syscalls import NAMES
from loadstone.probe.observers.frames import Space, walk

__all__ = ["look"]

_MAX_THREADS: Final = 64
_STOPPING: Final = 0.1  # seconds for all threads to stop; one that waits for a disk does not
_WALKING: Final = 0.2
"""Seconds for all stacks: a probe returns soon after its limit, with fewer of them if need be."""
_POLL: Final = 0.001

_WAITS: Final = {
    "clock_nanosleep": "for time to pass",
    "epoll_pwait": "for a descriptor",
    "epoll_wait": "for a descriptor",
    "flock": "for the lock of a file",
    "fcntl": "for the lock of a file",
    "futex": "for a lock or another thread",
    "nanosleep": "for time to pass",
    "pause": "for a signal",
    "poll": "for a descriptor",
    "ppoll": "for a descriptor",
    "pselect6": "for a descriptor",
    "read": "for something to read",
    "readv": "for something to read",
    "recvfrom": "for a message",
    "recvmsg": "for a message",
    "rt_sigsuspend": "for a signal",
    "rt_sigtimedwait": "for a signal",
    "select": "for a descriptor",
    "wait4": "for a process to end",
    "waitid": "for a process to end",
    "write": "for somebody to read what it writes",
}


def look(process: int, *, traced: bool) -> list[TracedThread]:
    """Every thread, the first one first: its name, what it does, and its frames. Raises OSError when all are gone."""
    threads = sorted(proc.threads(process).items(), key=lambda item: (item[0] != process, item[0]))[:_MAX_THREADS]
    waiting = {thread: _waiting(process, thread) for thread, _ in threads}  # a stop would end the wait
    stopped = _stop([thread for thread, _ in threads]) if traced else frozenset[int]()
    space = Space(proc.mappings(process))
    until = monotonic() + _WALKING
    ours = {mapping.path for mapping in proc.mappings(os.getpid())}
    found = []
    for thread, (state, _) in threads:
        registers = _registers(thread, waiting[thread], stopped)
        with suppress(OSError):
            seen = walk(thread, registers, space) if registers is not None and monotonic() < until else []
            name, does = proc.thread_name(process, thread), _does(state, waiting[thread])
            found.append(TracedThread(thread == process, name, does, tuple(_without_ours(seen, ours))))
    return found


def _without_ours(frames: list[CodePlace], ours: Collection[str]) -> list[CodePlace]:
    """Without the frames of the probe that called into the library; all of them where nothing else is to be seen."""
    last = max((at for at, frame in enumerate(frames) if frame.path not in ours), default=len(frames) - 1)
    return frames[: last + 1]


def _waiting(process: int, thread: int) -> Waiting | None:
    try:
        return proc.waiting(process, thread)
    except OSError:  # forbidden, or it ended
        return None


def _stop(threads: Collection[int]) -> frozenset[int]:
    """Stop them; those that did in time. Their wait statuses are left for who waits for them."""
    awaited = set()
    for thread in threads:
        with suppress(OSError):
            ptrace.interrupt(thread)
            awaited.add(thread)
    stopped: set[int] = set()
    until = monotonic() + _STOPPING
    while awaited and monotonic() < until:
        stopped.update(thread for thread in awaited if _has_stopped(thread))
        awaited -= stopped
        if awaited:
            select.select([], [], [], _POLL)
    return frozenset(stopped)


def _has_stopped(thread: int) -> bool:
    try:
        return os.waitid(os.P_PID, thread, os.WSTOPPED | os.WNOHANG | os.WNOWAIT | ptrace.WALL) is not None
    except OSError:
        return False


def _registers(thread: int, waiting: Waiting | None, stopped: Collection[int]) -> Registers | None:
    if thread in stopped:
        with suppress(OSError):
            return ptrace.registers(thread)
    return Registers(waiting.instruction, waiting.stack, 0) if waiting is not None and waiting.stack else None


def _does(state: str, waiting: Waiting | None) -> str:
    """What a thread does, from its state (proc(5)) and its system call."""
    if state in "Tt":
        return "is stopped by a signal"
    if state == "R":
        return "runs"
    if waiting is None or waiting.call < 0:
        return "waits"
    name = NAMES.get(waiting.call, f"system call {waiting.call}")
    return f"waits {_WAITS[name]} ({name})" if name in _WAITS else f"waits in {name}"
