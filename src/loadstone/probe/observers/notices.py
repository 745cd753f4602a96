"""System calls seen before they run: who calls what, and whether it may go on.

What the policy refuses is refused here, and so is acting on a process that is not the child's own: both decided by
values in registers, which the caller cannot change after the look. Everything else goes on and is only told.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from loadstone.core.observations import ObservationKind as Kind
from loadstone.probe.confine_linux import MEMORY_LIMIT, in_loader
from loadstone.probe.linux import policy, proc, seccomp
from loadstone.probe.linux.policy import CallVerdict
from loadstone.probe.linux.seccomp import Notice
from loadstone.probe.linux.syscalls import NAMES
from loadstone.probe.observers.snapshot import RESERVED_SIGNALS, signal_name
from loadstone.probe.promises import FILE_LIMIT

__all__ = ["Judge", "NoticedCall", "watch"]

_MAX_PATH: Final = 4096
_CLONE_THREAD: Final = 0x00010000
_ACCESS_MODE: Final = os.O_ACCMODE
_PROT_EXEC: Final = 4
_MAP_PRIVATE: Final = 2


class NoticedCall(NamedTuple):
    """What a notice said: the kind of effect (None: nothing worth telling), a sentence, what the caller is told."""

    kind: Kind | None
    detail: str
    error: int = 0
    own: bool = True  # made by the child itself, not by a process it started
    exit_status: int | None = None
    exec_: bool = False
    by_loader: str = ""  # a file opened for reading by the loader's own code; whoever jumps there opens what he likes


class Judge(NamedTuple):
    """Whose calls are judged, whether in namespaces of its own, and which processes it may act on, as it names them.

    ``may_have`` is asked for memory that no process is seen to have, in bytes.
    """

    child: int
    isolated: bool
    visible: Callable[[int], bool]
    may_have: Callable[[int], bool]


def watch(listener: int, judge: Judge) -> NoticedCall | None:
    """Take one notice, answer it, and say what it was; None when its caller is gone."""
    notice = seccomp.receive(listener)
    if notice is None:
        return None
    name = NAMES.get(notice.number, f"system call {notice.number}")
    own = notice.thread == judge.child or os.path.exists(f"/proc/{judge.child}/task/{notice.thread}")
    call = _describe(name, notice, judge)._replace(own=own)
    if not seccomp.still_waiting(listener, notice):
        return None
    seccomp.answer(listener, notice, error=call.error)
    return call


def _describe(name: str, notice: Notice, judge: Judge) -> NoticedCall:
    found = policy.verdict(name, notice.arguments, isolated=judge.isolated)
    if found is CallVerdict.ASKED:
        return _on_another(name, notice, judge.visible)
    if found is CallVerdict.TOLD and name == "kill":
        return _on_another(name, notice, lambda _target: True)
    if found in (CallVerdict.REFUSED, CallVerdict.ABSENT):
        code = errno.EPERM if found is CallVerdict.REFUSED else errno.ENOSYS
        return NoticedCall(_kind_of_refused(name, notice, found), f"{_attempt(name, notice)}, and refused", code)
    call = _DESCRIBERS.get(name, _changed)(name, notice)
    if found is CallVerdict.COUNTED and not judge.may_have(notice.arguments[1] if name == "mmap" else FILE_LIMIT):
        return NoticedCall(Kind.MEMORY_REFUSED, _UNSEEN[name], errno.ENOMEM)
    return call


def _kind_of_refused(name: str, notice: Notice, found: CallVerdict) -> Kind:
    """Whether a refused call is what no library needs, or one that a right one makes, and the sandbox does not have."""
    if name in ("socket", "socketpair"):
        return Kind.NETWORK
    ordinary = found is CallVerdict.ABSENT or policy.is_ordinary(name, notice.arguments)
    return Kind.CALL_REFUSED if ordinary else Kind.FORBIDDEN_CALL


_UNSEEN: Final = {
    "memfd_create": "more files in memory were made than the sandbox has room for, which refused one",
    "mmap": "more memory to share was asked for than the sandbox has, which refused it",
}


def _attempt(name: str, notice: Notice) -> str:
    """A refused call, by what tells one use of it from another."""
    if name in ("socket", "socketpair"):
        return f"{_socket(name, notice).detail} was asked for".replace("made a", "a")
    if name in _PATHS_AT:
        return f"{name} {_paths(name, notice)} was called"
    use = _USES_AT.get(name)
    return f"{name} was called" if use is None else f"{name} was called (with {notice.arguments[use] & 0xFFFFFFFF:#x})"


_USES_AT: Final = {"ioctl": 1, "fcntl": 1, "prctl": 0, "personality": 0, "clone": 0}


def _changed(name: str, notice: Notice) -> NoticedCall:
    return NoticedCall(Kind.FILE_CHANGED, f"{name} {_paths(name, notice)}".rstrip())


def _text(notice: Notice, index: int) -> str:
    raw = proc.read_memory(notice.thread, notice.arguments[index], _MAX_PATH) if notice.arguments[index] else b""
    return os.fsdecode(raw.partition(b"\0")[0])


_KEEPS_NOTHING: Final = frozenset({"/dev/null", "/dev/zero", "/dev/full"})  # whatever is written to them

_OPEN_FLAGS_AT: Final = {"open": 1, "openat": 2}


def _open(name: str, notice: Notice) -> NoticedCall:
    path = _text(notice, 0 if name in ("open", "creat") else 1)
    if name == "creat":
        flags = os.O_WRONLY | os.O_CREAT
    elif name == "openat2":
        (flags,) = struct.unpack("=Q", proc.read_memory(notice.thread, notice.arguments[2], 8).ljust(8, b"\0"))
    else:
        flags = notice.arguments[_OPEN_FLAGS_AT[name]]
    if path in _KEEPS_NOTHING:
        return NoticedCall(None, "")
    if flags & _ACCESS_MODE or flags & (os.O_CREAT | os.O_TRUNC):
        return NoticedCall(Kind.FILE_WRITE, f"open {path} for writing")
    if in_loader(notice.instruction):
        return NoticedCall(None, "", by_loader=path)
    return NoticedCall(Kind.FILE_READ, f"open {path} for reading")


_FAMILIES: Final = {f.value: f.name for f in socket.AddressFamily}


def _socket(_name: str, notice: Notice) -> NoticedCall:
    family = notice.arguments[0] & 0xFFFFFFFF
    kind = {1: "stream", 2: "datagram", 3: "raw", 5: "packet"}.get(notice.arguments[1] & 0xF, "other")
    return NoticedCall(Kind.NETWORK, f"made a {kind} socket of {_FAMILIES.get(family, f'family {family}')}")


def _address(name: str, notice: Notice) -> NoticedCall:
    raw = proc.read_memory(notice.thread, notice.arguments[1], min(notice.arguments[2] & 0xFF, 128))
    return NoticedCall(Kind.NETWORK, f"{name} {_shown_address(raw)}")


def _shown_address(raw: bytes) -> str:
    family = int.from_bytes(raw[:2], "little")
    if family == socket.AF_INET and len(raw) >= 8:
        return f"{socket.inet_ntop(socket.AF_INET, raw[4:8])} port {int.from_bytes(raw[2:4], 'big')}"
    if family == socket.AF_INET6 and len(raw) >= 24:
        return f"{socket.inet_ntop(socket.AF_INET6, raw[8:24])} port {int.from_bytes(raw[2:4], 'big')}"
    if family == socket.AF_UNIX:
        return f"unix socket {os.fsdecode(raw[2:].rstrip(bytes(1)))!r}"
    return f"address of {_FAMILIES.get(family, f'family {family}')}"


def _bare_network(name: str, _notice: Notice) -> NoticedCall:
    return NoticedCall(Kind.NETWORK, f"{name} was called")


def _clone(name: str, notice: Notice) -> NoticedCall:
    flags = notice.arguments[0]
    if name == "clone3":
        (flags,) = struct.unpack("=Q", proc.read_memory(notice.thread, notice.arguments[0], 8).ljust(8, b"\0"))
    if name in ("clone", "clone3") and flags & _CLONE_THREAD:
        return NoticedCall(Kind.THREAD_STARTED, "a thread was started")
    return NoticedCall(Kind.PROCESS_STARTED, f"a process was started ({name})")


def _exec(name: str, notice: Notice) -> NoticedCall:
    return NoticedCall(Kind.EXEC, f"{name} {_text(notice, 1 if name == 'execveat' else 0)}", exec_=True)


def _mapping(name: str, notice: Notice) -> NoticedCall:
    if notice.arguments[2] & _PROT_EXEC == 0:
        return _much_memory(name, notice)
    who = " by the loader" if in_loader(notice.instruction) else ""
    return NoticedCall(Kind.CODE_WRITABLE, f"{name} made memory writable and executable at once{who}")


def _much_memory(name: str, notice: Notice) -> NoticedCall:
    """Writable private memory that is asked for at once: more than is left, so that the kernel will refuse it?

    The kernel counts address space, used or not (RLIMIT_DATA of getrlimit(2)): a library that only reserves it is
    refused by the sandbox, and may well be right.
    """
    size = notice.arguments[1]
    private = name != "mmap" or notice.arguments[3] & _MAP_PRIVATE
    if not private or proc.memory(notice.thread).data + size <= MEMORY_LIMIT:
        return NoticedCall(None, "")
    asked = (
        f"{size >> 20:,} MiB of memory were asked for at once, which the sandbox refuses: it has {MEMORY_LIMIT >> 20}"
    )
    return NoticedCall(Kind.MEMORY_REFUSED, asked)


def _handler(_name: str, notice: Notice) -> NoticedCall:
    raw = proc.read_memory(notice.thread, notice.arguments[1], 8).ljust(8, b"\0")
    (handler,) = struct.unpack("=Q", raw)
    number = signal_name(notice.arguments[0] & 0xFF)
    if handler == signal.SIG_DFL or notice.arguments[0] in RESERVED_SIGNALS:
        return NoticedCall(None, "")
    return NoticedCall(
        Kind.SIGNAL_HANDLER,
        f"{number} is ignored" if handler == signal.SIG_IGN else f"a handler for {number} was installed",
    )


def _exit(_name: str, notice: Notice) -> NoticedCall:
    status = notice.arguments[0] & 0xFF
    return NoticedCall(Kind.EXIT_CALLED, f"the process was ended with status {status}", exit_status=status)


def _directory(name: str, notice: Notice) -> NoticedCall:
    return NoticedCall(Kind.CWD_CHANGED, f"chdir {_text(notice, 0)}" if name == "chdir" else "fchdir was called")


def _umask(_name: str, notice: Notice) -> NoticedCall:
    return NoticedCall(Kind.UMASK_CHANGED, f"umask was set to {notice.arguments[0] & 0o777:03o}")


def _session(_name: str, _notice: Notice) -> NoticedCall:
    return NoticedCall(Kind.SESSION_CHANGED, "setsid was called: a process left the session, as a daemon does")


_SIGNAL_AT: Final = {"kill": 1, "tkill": 1, "tgkill": 2, "rt_sigqueueinfo": 1, "rt_tgsigqueueinfo": 2}


def _on_another(name: str, notice: Notice, visible: Callable[[int], bool]) -> NoticedCall:
    """A signal, a limit or a priority for a process that is named."""
    named = notice.arguments[policy.names_process_at(name)] & 0xFFFFFFFF
    (target,) = struct.unpack("=i", struct.pack("=I", named))
    allowed = visible(target)
    ending = "" if allowed else ", and refused: it is not the library's own process"
    if name in _SIGNAL_AT:
        number = notice.arguments[_SIGNAL_AT[name]] & 0xFF
        if not number and allowed:  # only asks whether there is such a process
            return NoticedCall(None, "")
        words = f"{signal_name(number)} was sent to {_recipients(name, target, notice)}"
        return NoticedCall(Kind.SIGNAL_SENT, words + ending, 0 if allowed else errno.EPERM)
    kind = None if allowed else Kind.FORBIDDEN_CALL
    return NoticedCall(kind, f"{name} was called for process {target}{ending}", 0 if allowed else errno.EPERM)


def _recipients(name: str, target: int, notice: Notice) -> str:
    """Whom a signal is for (kill(2))."""
    if name == "kill" and target == 0:
        return "its own process group"
    if name == "kill" and target == -1:
        return "every process it can reach"
    own = proc.status(notice.thread).inner_id
    if name == "kill" and target < -1:  # the child leads a group of its own
        return "its own process group" if target == -own else f"process group {-target}"
    return "its own process" if target == own else f"process {target}"


# Which arguments are paths.
_PATHS_AT: Final = {
    "unlink": (0,), "rmdir": (0,), "mkdir": (0,), "mknod": (0,), "chmod": (0,), "chown": (0,), "lchown": (0,),
    "truncate": (0,), "setxattr": (0,), "lsetxattr": (0,), "removexattr": (0,), "lremovexattr": (0,), "utime": (0,),
    "utimes": (0,), "utimensat": (1,), "futimesat": (1,), "fchmodat2": (1,), "setxattrat": (1,), "removexattrat": (1,),
    "file_setattr": (1,), "rename": (0, 1), "link": (0, 1), "symlink": (0, 1),
    "unlinkat": (1,), "mkdirat": (1,), "mknodat": (1,), "fchmodat": (1,), "fchownat": (1,),
    "renameat": (1, 3), "renameat2": (1, 3), "linkat": (1, 3), "symlinkat": (0, 2), "memfd_create": (0,),
}  # fmt: skip


def _paths(name: str, notice: Notice) -> str:
    return " to ".join(_text(notice, index) for index in _PATHS_AT.get(name, ()))


_DESCRIBERS: Final[dict[str, Callable[[str, Notice], NoticedCall]]] = {
    **dict.fromkeys(("open", "openat", "openat2", "creat"), _open),
    **dict.fromkeys(("connect", "bind"), _address),
    **dict.fromkeys(("listen", "accept"), _bare_network),
    **dict.fromkeys(("clone", "clone3", "fork", "vfork"), _clone),
    **dict.fromkeys(("execve", "execveat"), _exec),
    **dict.fromkeys(("mmap", "mprotect", "pkey_mprotect"), _mapping),
    **dict.fromkeys(("chdir", "fchdir"), _directory),
    "socket": _socket,
    "memfd_create": lambda _name, _notice: NoticedCall(None, ""),  # memory: no file that others see
    "rt_sigaction": _handler,
    "exit_group": _exit,
    "umask": _umask,
    "setsid": _session,
}
