"""What a process does to itself before it runs foreign code: identity, limits, attributes. Source: prctl(2) and kin."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import struct
from contextlib import suppress
from itertools import pairwise
from typing import Final

from loadstone.probe.linux.syscalls import LIBC, syscall

__all__ = [
    "become_subreaper",
    "close_descriptors_but",
    "die_with_parent",
    "drop_capabilities",
    "drop_user",
    "forbid_new_privileges",
    "limit",
    "new_privileges_forbidden",
    "reach_for_privileges",
    "restore_signals",
    "stay_traceable",
]

_SET_PDEATHSIG: Final = 1
_SET_DUMPABLE: Final = 4
_SET_CHILD_SUBREAPER: Final = 36
_SET_NO_NEW_PRIVS: Final = 38
_GET_NO_NEW_PRIVS: Final = 39
_CAPABILITY_VERSION_3: Final = 0x20080522


def _prctl(option: int, value: int) -> int:
    result = int(LIBC.prctl(option, ctypes.c_ulong(value), *(ctypes.c_ulong(0),) * 3))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "prctl")
    return result


def die_with_parent() -> None:
    """SIGKILL for the caller when the thread that forked it ends. Changing the user clears this: call it after.

    A parent that ended before the call is not noticed: compare ``os.getppid()`` with its id afterwards.
    """
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)


def become_subreaper() -> None:
    """Orphaned descendants become the caller's children, and can be found and ended."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def stay_traceable() -> None:
    """Changing the user made /proc/PID the superuser's; give it back to who observes. Call before foreign code."""
    _prctl(_SET_DUMPABLE, 1)


def forbid_new_privileges() -> None:
    """No set-user-id program gives its rights any more, for good."""
    _prctl(_SET_NO_NEW_PRIVS, 1)


def new_privileges_forbidden() -> bool:
    """Whether that is so."""
    return _prctl(_GET_NO_NEW_PRIVS, 0) == 1


def reach_for_privileges(*_unused: object) -> None:
    """Try to take that back, and fail; OSError tells that it holds, no error that it does not."""
    if not new_privileges_forbidden():
        return
    _prctl(_SET_NO_NEW_PRIVS, 0)


def drop_capabilities() -> None:
    """Give up every capability, permitted ones included."""
    syscall("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24))


def drop_user(user: int) -> int:
    """Become ``user`` and that group, with no others; the overflow user where that one cannot be had. Superuser only.

    Returns who the caller is now. Raises OSError.
    """
    for candidate in (user, 65534):
        try:
            os.setgroups([])
            os.setresgid(candidate, candidate, candidate)
            os.setresuid(candidate, candidate, candidate)
        except OSError as error:
            if error.errno != errno.EINVAL:  # not mapped in this user namespace
                raise
        else:
            return candidate
    raise OSError(errno.EINVAL, "no unprivileged user exists in this user namespace")


def close_descriptors_but(*kept: int) -> None:
    """Close every descriptor of the caller but these; where close_range(2) is missing (before Linux 5.9) one by one."""
    for before, after in pairwise((-1, *sorted(kept), 0xFFFFFFFF)):
        first, last = before + 1, after - 1
        if first > last:
            continue
        try:
            syscall("close_range", first, last, 0)
        except OSError:
            for number in [int(name) for name in os.listdir("/proc/self/fd")]:
                if first <= number <= last:
                    with suppress(OSError):
                        os.close(number)


def limit(which: int, value: int) -> None:
    """Lower a resource limit, soft and hard; one that is lower already stays."""
    _soft, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def restore_signals() -> None:
    """Make the signal table that of a new C program: undo what Python did and what a parent ignores, as nohup does."""
    ours = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGCHLD)
    for number in signal.valid_signals():
        if number in ours or signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
