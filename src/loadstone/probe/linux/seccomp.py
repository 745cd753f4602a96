"""Seccomp filters and user notification, written and read without a compiler.

A filter is a list of :class:`SeccompRule`: of those for one call, the first whose argument tests match decides. From:
seccomp(2), seccomp_unotify(2), linux/seccomp.h, linux/filter.h, linux/bpf_common.h. Paths read from a stopped thread's
memory can be changed by its siblings after the look: notification observes, it never enforces by what a pointer points
to.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from loadstone.probe.linux.syscalls import AUDIT_ARCH, NUMBERS, syscall

__all__ = [
    "ALLOW",
    "DENY",
    "NOTIFY",
    "ArgumentTest",
    "Notice",
    "SeccompRule",
    "answer",
    "compile_filter",
    "deny",
    "install",
    "receive",
    "still_waiting",
]

ALLOW: Final = 0x7FFF0000  # SECCOMP_RET_ALLOW
NOTIFY: Final = 0x7FC00000  # SECCOMP_RET_USER_NOTIF
DENY: Final = 0x00050000 | errno.EPERM  # SECCOMP_RET_ERRNO | EPERM


def deny(code: int) -> int:
    """The action that fails a call with this errno."""
    return 0x00050000 | code


_KILL: Final = 0x80000000  # SECCOMP_RET_KILL_PROCESS

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_AND: Final = 0x54  # BPF_ALU | BPF_AND | BPF_K
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_JUMP: Final = 0x05  # BPF_JMP | BPF_JA
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_FARTHEST: Final = 255  # instructions that a condition can skip
_NUMBER_AT, _ARCH_AT, _INSTRUCTION_AT, _ARGUMENTS_AT = 0, 4, 8, 16  # struct seccomp_data
_X32: Final = 0x40000000  # __X32_SYSCALL_BIT

_SET_MODE_FILTER: Final = 1
_NEW_LISTENER: Final = 1 << 3
_RECEIVE: Final = 0xC0502100  # SECCOMP_IOCTL_NOTIF_RECV
_SEND: Final = 0xC0182101  # SECCOMP_IOCTL_NOTIF_SEND
_STILL_VALID: Final = 0x40082102  # SECCOMP_IOCTL_NOTIF_ID_VALID
_CONTINUE: Final = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
_NOTICE: Final = struct.Struct("=QIIiIQ6Q")
_ANSWER: Final = struct.Struct("=QqiI")


class ArgumentTest(NamedTuple):
    """Matches when ``argument & mask == value``; the low 32 bits are looked at, or the ``high`` ones."""

    argument: int
    value: int
    mask: int = 0xFFFFFFFF
    high: bool = False


class SeccompRule(NamedTuple):
    """What to do with one system call when all tests match. A call this processor does not have matches nothing.

    ``made_in`` further asks that the calling instruction lies in that span of addresses, which must not cross a
    multiple of 4 GiB.
    """

    call: str
    action: int
    tests: tuple[ArgumentTest, ...] = ()
    made_in: tuple[int, int] | None = None


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _instruction(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value & 0xFFFFFFFF)


def _tested(rule: SeccompRule) -> bytes:
    """The tests of one rule and its action; falls out at the end when one does not match."""
    left = sum(3 if test.mask != 0xFFFFFFFF else 2 for test in rule.tests) + (5 if rule.made_in else 0) + 1
    body = b""
    if rule.made_in:
        first, after = rule.made_in
        body += _instruction(_LOAD, _INSTRUCTION_AT + 4) + _instruction(_EQUAL, first >> 32, no=left - 2)
        body += _instruction(_LOAD, _INSTRUCTION_AT) + _instruction(_AT_LEAST, first, no=left - 4)
        body += _instruction(_AT_LEAST, after, yes=left - 5)
        left -= 5
    for test in rule.tests:
        body += _instruction(_LOAD, _ARGUMENTS_AT + 8 * test.argument + (4 if test.high else 0))
        left -= 1
        if test.mask != 0xFFFFFFFF:
            body += _instruction(_AND, test.mask)
            left -= 1
        left -= 1
        body += _instruction(_EQUAL, test.value, no=left)
    return body + _instruction(_RETURN, rule.action)


def _otherwise(action: int, silent: int | None) -> bytes:
    """The end of the way: ``action``, but failing at once where the sixth argument is the mark ``silent``."""
    body = b""
    if silent is not None:
        body += _instruction(_LOAD, _ARGUMENTS_AT + 8 * 5) + _instruction(_EQUAL, silent, no=1)
        body += _instruction(_RETURN, DENY)
    return body + _instruction(_RETURN, action)


def _of_one_call(number: int, rules: Iterable[SeccompRule], otherwise: bytes) -> bytes:
    """All rules of one call; the call's number is in the accumulator before, and still is for every other call."""
    pieces = [_tested(rule) for rule in rules]
    body = b"".join(pieces) + otherwise
    skip = len(body) // 8
    if skip <= _FARTHEST:
        return _instruction(_EQUAL, number, no=skip) + body
    return _instruction(_EQUAL, number, yes=1) + _instruction(_JUMP, skip) + body


def _spans(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring numbers together, as (first, behind the last)."""
    ordered = sorted(numbers)
    starts = [n for i, n in enumerate(ordered) if i == 0 or ordered[i - 1] != n - 1]
    ends = [n + 1 for i, n in enumerate(ordered) if i + 1 == len(ordered) or ordered[i + 1] != n + 1]
    return zip(starts, ends, strict=True)


def compile_filter(
    rules: Iterable[SeccompRule], *, otherwise: int = ALLOW, newer: int = ALLOW, silent: int | None = None
) -> bytes:
    """The rules as a BPF program; a foreign or x32 call is refused.

    What no rule matches is left to ``otherwise``, a call of a kernel newer than our table to ``newer``. A call whose
    sixth argument is ``silent`` fails where ``otherwise`` would decide: so a filter is tried without waiting for those
    who answer notices.

    >>> len(compile_filter([])) // 8 >= 4
    True
    """
    if AUDIT_ARCH is None:
        raise OSError(errno.ENOSYS, "no system call numbers known for this processor")
    end = _otherwise(otherwise, silent)
    table: dict[int, list[SeccompRule]] = {}
    for rule in rules:
        number = NUMBERS.get(rule.call)
        if number is not None:
            table.setdefault(number, []).append(rule)
    plain: dict[int, list[int]] = {}
    program = _instruction(_LOAD, _ARCH_AT) + _instruction(_EQUAL, AUDIT_ARCH, yes=1) + _instruction(_RETURN, _KILL)
    program += _instruction(_LOAD, _NUMBER_AT) + _instruction(_ANY_BIT, _X32, no=1) + _instruction(_RETURN, DENY)
    for number, its in table.items():
        if its[0].tests or its[0].made_in:
            program += _of_one_call(number, its, end)
        else:
            plain.setdefault(its[0].action, []).append(number)
    for action, numbers in plain.items():
        for first, after in _spans(numbers):
            program += _instruction(_AT_LEAST, first, no=2) + _instruction(_AT_LEAST, after, yes=1)
            program += _instruction(_RETURN, action)
    program += _instruction(_AT_LEAST, max(NUMBERS.values()) + 1, no=1) + _instruction(_RETURN, newer)
    return program + end


def install(program: bytes, *, listener: bool = False) -> int:
    """Put a filter on the calling thread and what it starts, for good; needs no_new_privs or privilege.

    Returns the notification descriptor when ``listener``, else 0. Raises OSError.
    """
    code = ctypes.create_string_buffer(program, len(program))
    header = _Program(len(program) // 8, ctypes.addressof(code))
    return syscall("seccomp", _SET_MODE_FILTER, _NEW_LISTENER if listener else 0, ctypes.byref(header))


class Notice(NamedTuple):
    """A call that waits for an answer: ``ticket`` identifies it, ``thread`` is the caller's id as we see it."""

    ticket: int
    thread: int
    number: int
    instruction: int
    arguments: tuple[int, ...]


def receive(listener: int) -> Notice | None:
    """The next waiting call, or None when its caller is gone. The descriptor must be readable."""
    buffer = bytearray(_NOTICE.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer, True)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINTR):
            return None
        raise
    ticket, thread, _flags, number, _arch, instruction, *arguments = _NOTICE.unpack(buffer)
    return Notice(ticket, thread, number, instruction, tuple(arguments))


def still_waiting(listener: int, notice: Notice) -> bool:
    """Whether what was read from the caller's memory since was read from the caller: thread ids are reused."""
    try:
        fcntl.ioctl(listener, _STILL_VALID, struct.pack("=Q", notice.ticket))
    except OSError:
        return False
    return True


def answer(listener: int, notice: Notice, *, error: int = 0) -> None:
    """Let the call go on, or fail it with ``error`` (an errno). A caller gone in between is no matter."""
    message = _ANSWER.pack(notice.ticket, 0, -error, 0 if error else _CONTINUE)
    try:
        fcntl.ioctl(listener, _SEND, message)
    except OSError as gone:
        if gone.errno != errno.ENOENT:
            raise
