"""Tracing from outside: follow a process and its threads, and look at a thread that a signal stopped.

Every function must be called by the one thread that attached. Sources: ptrace(2), sigaction(2), sys/user.h. Registers
are read for x86-64 and aarch64; the latter is written from the headers and was not run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from typing import Final, NamedTuple

from loadstone.probe.linux.syscalls import LIBC, PROCESSOR

__all__ = [
    "WALL",
    "Registers",
    "SignalInfo",
    "ThreadStop",
    "attach",
    "decode",
    "interrupt",
    "listen",
    "registers",
    "resume",
    "signal_info",
]

WALL: Final = 0x40000000
"""__WALL of waitpid(2): threads too."""

_CONT: Final = 7
_GETSIGINFO: Final = 0x4202
_GETREGSET: Final = 0x4204
_SEIZE: Final = 0x4206
_INTERRUPT: Final = 0x4207
_LISTEN: Final = 0x4208
_NT_PRSTATUS: Final = 1
_TRACE_CLONE: Final = 1 << 3
_TRACE_EXEC: Final = 1 << 4
_EXIT_KILL: Final = 1 << 20
_EVENT_EXEC: Final = 4
_EVENT_STOP: Final = 128
_JOB_CONTROL: Final = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_WITH_ADDRESS: Final = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP})

_ptrace = LIBC.ptrace
_ptrace.restype = ctypes.c_long
_ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


def _call(request: int, thread: int, address: int = 0, data: int = 0) -> None:
    if _ptrace(request, thread, address, data) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "ptrace")


def attach(process: int) -> None:
    """Trace a process without stopping it, its threads to come, and its exec; it dies with us. Raises OSError."""
    _call(_SEIZE, process, 0, _TRACE_CLONE | _TRACE_EXEC | _EXIT_KILL)


class ThreadStop(NamedTuple):
    """Why a thread stopped: the ``signal`` it is about to get (0: none), ``execed``, or ``held`` by job control."""

    signal: int = 0
    execed: bool = False
    held: bool = False


def decode(status: int) -> ThreadStop:
    """The meaning of a wait status of a traced, stopped thread."""
    number, event = os.WSTOPSIG(status), status >> 16
    if event == _EVENT_EXEC:
        return ThreadStop(execed=True)
    if event == _EVENT_STOP:
        return ThreadStop(held=number in _JOB_CONTROL)
    return ThreadStop() if event else ThreadStop(signal=number)


def resume(thread: int, number: int = 0) -> None:
    """Let a stopped thread go on, with the signal it was to get. A thread that is gone is no matter."""
    try:
        _call(_CONT, thread, 0, number)
    except ProcessLookupError:
        return


def listen(thread: int) -> None:
    """Leave a thread stopped by job control, as it would be without a tracer."""
    try:
        _call(_LISTEN, thread)
    except ProcessLookupError:
        return


def interrupt(thread: int) -> None:
    """Stop a traced thread, which shows in its wait status soon after. Raises OSError when it is gone."""
    _call(_INTERRUPT, thread)


class SignalInfo(NamedTuple):
    """siginfo_t in part: ``address`` of the fault, for the kernel's own faults; else None.

    ``sender`` is the process that sent it (0: none), in the numbers of the process that stopped.
    """

    number: int
    code: int
    address: int | None
    sender: int = 0


def signal_info(thread: int) -> SignalInfo:
    """What the kernel knows about the signal that stopped the thread. Raises OSError."""
    buffer = ctypes.create_string_buffer(128)
    _call(_GETSIGINFO, thread, 0, ctypes.addressof(buffer))
    number, _error, code, address = struct.unpack_from("=iii4xQ", buffer.raw)
    sender = address & 0xFFFFFFFF if code <= 0 else 0
    return SignalInfo(number, code, address if number in _WITH_ADDRESS and code > 0 else None, sender)


class Registers(NamedTuple):
    """Where a thread is: instruction, stack and frame pointer; ``link`` holds the return address on aarch64."""

    instruction: int
    stack: int
    frame: int
    link: int = 0


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def registers(thread: int) -> Registers:
    """The general registers of a stopped thread. Raises OSError."""
    buffer = ctypes.create_string_buffer(512)
    vector = _Vector(ctypes.addressof(buffer), len(buffer))
    _call(_GETREGSET, thread, _NT_PRSTATUS, ctypes.addressof(vector))
    words = struct.unpack_from(f"={vector.length // 8}Q", buffer.raw)
    if PROCESSOR == "aarch64":  # x0..x30, sp, pc, pstate
        return Registers(words[32], words[31], words[29], words[30])
    return Registers(words[16], words[19], words[4])  # struct user_regs_struct: rip, rsp, rbp
