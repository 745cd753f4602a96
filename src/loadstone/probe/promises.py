"""What each layer of the sandbox promises on Linux, and how that is tried in the child before it loads a library.

A layer is active when every promise held, degraded when some did, and says which did not. That the call which applied
it returned 0 is no witness. The table of docs/reference/probe.md is made from this one.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import socket
from collections.abc import Callable
from typing import Final, NamedTuple

from loadstone.probe.confine import Layer
from loadstone.probe.linux.process import reach_for_privileges
from loadstone.probe.linux.syscalls import syscall
from loadstone.probe.tree import SCRATCH_LIMIT

__all__ = [
    "DESCRIPTOR_LIMIT",
    "FILE_LIMIT",
    "MEMORY_LIMIT",
    "MEMORY_WORDS",
    "PROMISES",
    "READING_WORDS",
    "Grounds",
    "Promise",
    "tried",
]

MEMORY_LIMIT: Final = 512 << 20
"""Private writable memory of the child, bytes (RLIMIT_DATA): address space that is only reserved does not count."""

FILE_LIMIT: Final = 16 << 20
DESCRIPTOR_LIMIT: Final = 1024
"""Open descriptors of one process: what waits in a pipe or a socket is memory that counts for nobody."""

MEMORY_WORDS: Final = f"more than {MEMORY_LIMIT >> 20} MiB of memory at once"
READING_WORDS: Final = "reading the user's files"
_NOWHERE: Final = ("192.0.2.1", 9)  # RFC 5737: an address for documentation


class Grounds(NamedTuple):
    """What a trial may need: a folder that must be neither read nor written, a process that is not the child's.

    ``mark`` tells the filter that a call is a trial, so that nobody is notified of it; ``scratch`` may be written.
    """

    outside: str
    stranger: int
    mark: int
    scratch: str = ""


class Promise(NamedTuple):
    """What must fail, in words; how it is attempted; the errors that keep the promise."""

    layer: str
    words: str
    attempt: Callable[[Grounds], object]
    kept_by: tuple[int, ...]


def _memory(_grounds: Grounds) -> None:
    mmap.mmap(-1, MEMORY_LIMIT + (1 << 20), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()


def _raised(which: int, value: int) -> Callable[[Grounds], object]:
    """What is taken away for good: a limit beyond the one that was set."""
    return lambda _grounds: resource.setrlimit(which, (value, value))


def _hurry(_grounds: Grounds) -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def _create(grounds: Grounds) -> None:
    path = os.path.join(grounds.outside, "trial")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _list(grounds: Grounds) -> None:
    os.listdir(grounds.outside)


def _write_anywhere(_grounds: Grounds) -> None:
    path = f"/.loadstone-trial-{os.getpid()}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    os.unlink(path)


def _fill(grounds: Grounds) -> None:
    room = os.statvfs(grounds.scratch)  # asked, not tried: a limit of the user's own on files would end the child
    if room.f_blocks * room.f_frsize <= SCRATCH_LIMIT:
        raise OSError(errno.ENOSPC, "its file system is no larger")


def _see_processes(_grounds: Grounds) -> None:
    if os.readlink("/proc/self") == str(os.getpid()):  # it counts as the child's own namespace does
        raise ProcessLookupError(errno.ESRCH, "none but its own")


def _see_sockets(_grounds: Grounds) -> None:
    if not os.path.isdir("/run") or not os.listdir("/run"):
        raise FileNotFoundError(errno.ENOENT, "it is empty")


def _connect(_grounds: Grounds) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setblocking(False)
        trial.connect(("127.0.0.1", 9))


def _bind(_grounds: Grounds) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.bind(("127.0.0.1", 0))


def _signal(grounds: Grounds) -> None:
    os.kill(grounds.stranger, 0)


def _datagram(_grounds: Grounds) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.connect(_NOWHERE)


def _parent(_grounds: Grounds) -> None:
    if not os.getppid():
        raise ProcessLookupError(errno.ESRCH, "there is no parent")


def _call(name: str, *arguments: int) -> Callable[[Grounds], object]:
    """A system call with its arguments, and the mark behind them."""
    padded = (*arguments, *(0,) * (5 - len(arguments)))
    return lambda grounds: syscall(name, *padded, grounds.mark)


def _pair(grounds: Grounds) -> None:
    ends = (ctypes.c_int * 2)(-1, -1)
    syscall("socketpair", socket.AF_UNIX, socket.SOCK_DGRAM, 0, ctypes.addressof(ends), 0, grounds.mark)


_EPERM, _EACCES = errno.EPERM, errno.EACCES

PROMISES: Final = (
    Promise("limits", MEMORY_WORDS, _memory, (errno.ENOMEM,)),
    Promise(
        "limits",
        f"a file of more than {FILE_LIMIT >> 20} MiB",
        _raised(resource.RLIMIT_FSIZE, FILE_LIMIT + 1),
        (_EPERM,),
    ),
    Promise(
        "limits",
        f"more than {DESCRIPTOR_LIMIT:,} open descriptors",
        _raised(resource.RLIMIT_NOFILE, DESCRIPTOR_LIMIT + 1),
        (_EPERM,),
    ),
    Promise("limits", "a real-time priority", _hurry, (_EPERM,)),
    Promise("limits", "a core dump", _raised(resource.RLIMIT_CORE, 1), (_EPERM,)),
    Promise("no_new_privs", "rights from a set-user-id program", reach_for_privileges, (errno.EINVAL,)),
    Promise("landlock", "writing outside the scratch folder", _create, (_EACCES,)),
    Promise("landlock", READING_WORDS, _list, (_EACCES,)),
    Promise("landlock", "connecting by TCP", _connect, (_EACCES,)),
    Promise("landlock", "listening by TCP", _bind, (_EACCES,)),
    Promise("landlock", "a signal to another process", _signal, (_EPERM,)),
    Promise("seccomp", "a new namespace", _call("unshare", 0), (_EPERM,)),
    Promise("seccomp", "a socket with a path", _call("socket", socket.AF_UNIX, socket.SOCK_STREAM), (_EPERM,)),
    Promise("seccomp", "a pair of datagram sockets, which can be given any path", _pair, (_EPERM,)),
    Promise("seccomp", "a netlink socket", _call("socket", 16, socket.SOCK_RAW), (_EPERM,)),
    Promise("seccomp", "another file's mode, owner, times or attributes", _call("fchmod", 0, 0o600), (_EPERM,)),
    Promise("seccomp", "a lock on another's file", _call("flock", 0, 0), (_EPERM,)),
    Promise("seccomp", "tracing", _call("ptrace", 16, 0, 0, 0), (_EPERM,)),
    Promise("seccomp", "keys of the kernel", _call("keyctl", 0, 0, 0, 0, 0), (_EPERM,)),
    Promise("seccomp", "shared memory that outlives its users", _call("shmget", 0, 0, 0), (_EPERM,)),
    Promise("namespaces", "a look at the process that started it", _parent, (errno.ESRCH,)),
    Promise("namespaces", "a datagram to the network", _datagram, (errno.ENETUNREACH, _EPERM, _EACCES)),
    Promise("mounts", "writing outside the scratch folder, whatever Landlock says", _write_anywhere, (errno.EROFS,)),
    Promise("mounts", f"more than {SCRATCH_LIMIT >> 20} MiB in the scratch folder", _fill, (errno.ENOSPC,)),
    Promise("mounts", "another's processes in /proc", _see_processes, (errno.ESRCH,)),
    Promise("mounts", "what runs here, in /run", _see_sockets, (errno.ENOENT,)),
    Promise("user", "becoming the superuser", lambda _grounds: os.setuid(0), (_EPERM, errno.EINVAL)),
)
"""Every promise of every layer, in the order in which they are tried."""


def tried(name: str, grounds: Grounds, *, but: tuple[str, ...] = (), note: str = "") -> Layer:
    """The layer as its trials find it, leaving out promises that were not made (``but``); ``note`` is told first."""
    kept: list[str] = []
    broken: list[str] = []
    for promise in PROMISES:
        if promise.layer != name or promise.words in but:
            continue
        outcome = _outcome(promise, grounds)
        (broken if outcome.endswith("!") else kept).append(f"{promise.words} ({outcome.rstrip('!')})")
    state = "active" if not broken else "degraded" if kept else "unavailable"
    told = [note] if note else []
    told += [f"not refused: {', '.join(broken)}"] if broken else []
    told += [f"refused: {', '.join(kept)}"] if kept else []
    return Layer(name, state, "; ".join(told))


def _outcome(promise: Promise, grounds: Grounds) -> str:
    """How an attempt ended, in the system's word; with a mark when that does not keep the promise."""
    try:
        promise.attempt(grounds)
    except OSError as error:
        word = errno.errorcode.get(error.errno or 0, str(error))
        return word if error.errno in promise.kept_by else f"{word}!"
    except ValueError as error:  # a limit beyond the hard one
        return "EPERM" if _EPERM in promise.kept_by else f"{error}!"
    return "allowed!"
