"""The fence round a probed library on Linux: layers raised in the child, each tried out before the library is loaded.

A layer counts as active only when something it must refuse was refused in this very child; that a system call returned
0 is no witness. What cannot be raised here is reported with the system's words, and the rest still is. Order matters:
the user is dropped first (the superuser passes many later checks), system calls are filtered last (the filter would
refuse what the other layers need).
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import socket
import struct
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from loadstone.probe.confine import Layer
from loadstone.probe.linux import landlock, namespaces, policy, proc, process, seccomp
from loadstone.probe.linux.seccomp import DENY, NOTIFY
from loadstone.probe.linux.syscalls import LIBC, syscall

__all__ = [
    "LAYERS",
    "MEMORY_LIMIT",
    "ORPHANED",
    "Fence",
    "Layer",
    "NoticeListener",
    "enter_namespaces",
    "filter_program",
    "in_loader",
    "raise_fence",
]

LAYERS: Final = ("limits", "no_new_privs", "landlock", "seccomp", "namespaces", "user")

MEMORY_LIMIT: Final = 512 << 20
"""Private writable memory of the child, bytes (RLIMIT_DATA): address space that is only reserved does not count."""

_FILE_LIMIT: Final = 16 << 20
_STACK_LIMIT: Final = 8 << 20
_PROCESS_LIMIT: Final = 256
_TRIAL_NAME: Final = "trial"

ORPHANED: Final = 114
"""Exit status of a child whose helper ended before it could ask to end with it. Nobody is left to read it."""


class Fence(NamedTuple):
    """What the fence is made for.

    ``scratch`` is the one folder that may be written, ``outside`` one beside it that must not; ``user`` whom to become
    (0: stay); ``seconds`` of processor time; ``helper`` its process id; ``unshared`` why the helper could not enter
    namespaces, or "" when it did; ``notify`` whether to ask for notification; ``roomy`` lifts the memory limits, for
    libraries built with a sanitizer.
    """

    scratch: str
    outside: str
    user: int
    seconds: int
    helper: int
    unshared: str
    notify: bool = True
    roomy: bool = False


class NoticeListener(NamedTuple):
    """Where notices arrive, or None and why there are none."""

    descriptor: int | None
    reason: str = ""


def _loader_span() -> tuple[int, int] | None:
    """Where the dynamic loader's own code lies, the same in every child forked from here.

    None where it is no file apart (musl), or lies across a multiple of 4 GiB.
    """
    for mapping in proc.mappings(os.getpid()):
        name = os.path.basename(mapping.path)
        if "x" in mapping.rights and name.startswith(("ld-linux", "ld64", "ld.so")):
            return (mapping.start, mapping.end) if mapping.start >> 32 == mapping.end >> 32 else None
    return None


_LOADER: Final = _loader_span()


def in_loader(instruction: int) -> bool:
    """Whether an address is in the dynamic loader's own code."""
    return _LOADER is not None and _LOADER[0] <= instruction < _LOADER[1]


def raise_fence(fence: Fence) -> tuple[list[Layer], NoticeListener]:
    """Raise and try every layer in the calling process, for good."""
    layers = [
        _layer("user", lambda: _user(fence)),
        _layer("limits", lambda: _limits(fence)),
        _layer("namespaces", lambda: _namespaces(fence)),
        _layer("no_new_privs", _no_new_privileges),
        _layer("landlock", lambda: _landlock(fence)),
    ]
    process.stay_traceable()
    process.die_with_parent()
    if fence.unshared and os.getppid() != fence.helper:  # in a namespace of its own no parent can be seen
        os._exit(ORPHANED)
    try:
        listener = _filter(fence)
        layers.append(_layer("seccomp", _filter_tried))
    except OSError as error:
        listener = NoticeListener(None, _words(error))
        layers.append(Layer("seccomp", "unavailable", _words(error)))
    return sorted(layers, key=lambda layer: LAYERS.index(layer.name)), listener


def _layer(name: str, attempt: Callable[[], tuple[str, str]]) -> Layer:
    try:
        return Layer(name, *attempt())
    except OSError as error:
        return Layer(name, "unavailable", _words(error))


def _words(error: OSError) -> str:
    return f"{error.strerror or error} ({errno.errorcode.get(error.errno or 0, '?')})"


def _refused(attempt: Callable[[], object], *codes: int) -> str:
    """The system's refusal of a trial, in words; raises when it was allowed, or failed for another reason."""
    try:
        attempt()
    except OSError as error:
        if error.errno in codes:
            return errno.errorcode[error.errno]
        raise
    raise PermissionError(errno.EPERM, "the layer was raised, and yet what it must refuse was allowed")


def _user(fence: Fence) -> tuple[str, str]:
    if not fence.user:
        process.drop_capabilities()
        refusal = _refused(lambda: os.setuid(0), errno.EPERM, errno.EINVAL)
        return "degraded", f"runs as the calling user {os.getuid()}; only the superuser can drop to another; {refusal}"
    user = process.drop_user(fence.user)
    process.drop_capabilities()
    return "active", f"became user {user}; becoming the superuser again: {_refused(lambda: os.setuid(0), errno.EPERM)}"


def _limits(fence: Fence) -> tuple[str, str]:
    process.limit(resource.RLIMIT_CORE, 0)
    process.limit(resource.RLIMIT_CPU, fence.seconds)
    process.limit(resource.RLIMIT_FSIZE, _FILE_LIMIT)
    process.limit(resource.RLIMIT_STACK, _STACK_LIMIT)
    if fence.user or not fence.unshared:  # else it would count every process the user has
        process.limit(resource.RLIMIT_NPROC, _PROCESS_LIMIT)
    if fence.roomy:
        return "degraded", "memory is not limited: the library was built with a sanitizer, which reserves all of it"
    process.limit(resource.RLIMIT_DATA, MEMORY_LIMIT)
    return "active", f"{(MEMORY_LIMIT >> 20) + 1} MiB of memory at once: {_refused(_too_much_memory, errno.ENOMEM)}"


def _too_much_memory() -> None:
    mmap.mmap(-1, MEMORY_LIMIT + (1 << 20), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()


def _namespaces(fence: Fence) -> tuple[str, str]:
    if fence.unshared:
        return "unavailable", fence.unshared
    if os.getppid():
        raise PermissionError(errno.EPERM, "the process namespace is new, and yet the parent can be seen")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        refusal = _refused(lambda: probe.connect(("192.0.2.1", 9)), errno.ENETUNREACH, errno.EPERM, errno.EACCES)
    return "active", f"own network, processes, mounts and IPC; no parent to be seen; a datagram outwards: {refusal}"


def _no_new_privileges() -> tuple[str, str]:
    process.forbid_new_privileges()
    if not process.new_privileges_forbidden():
        raise PermissionError(errno.EPERM, "it was set, and yet reads as not set")
    return "active", f"taking it back: {_refused(_take_back, errno.EINVAL)}"


def _take_back() -> None:
    if LIBC.prctl(38, *(ctypes.c_ulong(0),) * 4) < 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _landlock(fence: Fence) -> tuple[str, str]:
    version = landlock.restrict(writable=[fence.scratch])
    refusal = _refused(lambda: _create(os.path.join(fence.outside, _TRIAL_NAME)), errno.EACCES)
    lacking = [word for word, since in (("TCP", 4), ("signals outwards", 6)) if version < since]
    if lacking:
        return "degraded", f"ABI {version} does not fence {' and '.join(lacking)}; a file outside scratch: {refusal}"
    return "active", f"ABI {version}; a file outside scratch: {refusal}"


def _create(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _filter(fence: Fence) -> NoticeListener:
    """Install the filter, with notification if that can be had."""
    reason = "not asked for"
    if fence.notify:
        try:
            return NoticeListener(
                seccomp.install(filter_program(notify=True, isolated=not fence.unshared), listener=True)
            )
        except OSError as error:
            reason = _words(error)
    seccomp.install(filter_program(notify=False, isolated=not fence.unshared))
    return NoticeListener(None, reason)


@cache
def _program_for_somebody(*, notify: bool, isolated: bool) -> bytes:
    table = policy.rules(policy.clauses(policy.SOMEBODY, isolated=isolated), notify=notify, isolated=isolated)
    if notify:
        return seccomp.compile_filter(table, otherwise=NOTIFY, newer=NOTIFY)
    return seccomp.compile_filter(table, otherwise=DENY, newer=seccomp.deny(errno.ENOSYS))


def filter_program(*, notify: bool, isolated: bool) -> bytes:
    """The filter for the calling process, ready to install."""
    mine, somebody = struct.pack("=I", os.getpid()), struct.pack("=I", policy.SOMEBODY)
    return _program_for_somebody(notify=notify, isolated=isolated).replace(somebody, mine)


def _filter_tried() -> tuple[str, str]:
    return "active", f"a call on the deny list: {_refused(lambda: syscall('unshare', 0), errno.EPERM)}"


def enter_namespaces() -> str:
    """Put the calling helper's children-to-be into namespaces of their own; why it could not be done, or ""."""
    try:
        namespaces.enter(("net", "pid", "ipc", "mnt"))
    except OSError as error:
        return _words(error)
    return ""
