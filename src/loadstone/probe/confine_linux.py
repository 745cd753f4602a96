"""The sandbox round a probed library on Linux: layers applied in the child, and tried before the library is loaded.

A layer counts as active only when something it must refuse was refused in this very child; that a system call returned
0 is no witness. What cannot be applied here is reported with the system's words, and the rest still is. Order matters:
the user is dropped first (the superuser passes many later checks), system calls are filtered last (the filter would
refuse what the other layers need).
"""

from __future__ import annotations

import errno
import os
import resource
import struct
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from loadstone.probe.confine import Layer
from loadstone.probe.linux import landlock, mounts, namespaces, policy, proc, process, seccomp
from loadstone.probe.linux.seccomp import ALLOW, DENY, NOTIFY, SeccompRule
from loadstone.probe.promises import (
    DESCRIPTOR_LIMIT,
    FILE_LIMIT,
    MEMORY_LIMIT,
    MEMORY_WORDS,
    READING_WORDS,
    Grounds,
    tried,
)
from loadstone.probe.tree import SHARED_MEMORY

__all__ = [
    "LAYERS",
    "MEMORY_LIMIT",
    "ORPHANED",
    "PROCESS_LIMIT",
    "SYSTEM",
    "Layer",
    "NoticeListener",
    "Sandbox",
    "enter_namespaces",
    "enter_sandbox",
    "filter_program",
    "in_loader",
]

LAYERS: Final = ("limits", "no_new_privs", "landlock", "seccomp", "namespaces", "mounts", "user")

_COUNT: Final = "the helper's count"
_STACK_LIMIT: Final = 8 << 20
PROCESS_LIMIT: Final = 256
"""Processes and threads at once: the kernel counts them where they are its own user's, else the helper counts."""

SYSTEM: Final = (
    "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/etc", "/opt", "/nix/store", "/gnu/store", "/sys",
    "/proc/self", "/proc/sys", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/proc/version",
    "/dev/null", "/dev/full", "/dev/random", "/dev/urandom", "/var/cache/fontconfig",
    os.path.dirname(os.__file__), os.path.dirname(os.path.dirname(__file__)),  # Python's, and our own
)  # fmt: skip
"""What a child may read besides what it is told it may: nothing that is a user's, or another process's."""

ORPHANED: Final = 114
"""Exit status of a child whose helper ended before it could ask to end with it. Nobody is left to read it."""


class Sandbox(NamedTuple):
    """What the sandbox is made for.

    ``scratch`` is the one folder that may be written, ``outside`` one beside it that must not; ``readable`` what may be
    read besides the system's files, and ``file`` a descriptor of the library, which may too; ``user`` whom to become
    (0: stay); ``seconds`` of processor time; ``helper`` its process id; ``unshared`` why the helper could not enter
    namespaces, or "" when it did; ``tree`` a descriptor of the mount namespace to enter, or -1 and why there is none in
    ``treeless``; ``notify`` whether to ask for notification; ``roomy`` lifts the memory limits, for
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
    readable: tuple[str, ...] = ()
    file: int = -1
    loader_told: bool = True
    tree: int = -1
    treeless: str = "not asked for"


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


def enter_sandbox(sandbox: Sandbox, hand_over: Callable[[int], None] = os.close) -> tuple[list[Layer], str]:
    """Apply and try every layer in the calling process, for good.

    ``hand_over`` gives the descriptor on which notices arrive to whoever answers them: the trials already wait for
    that. Returns the layers, and why there are no notices, or "".
    """
    mark = int.from_bytes(os.urandom(4), "little") >> 1
    grounds = Grounds(sandbox.outside, sandbox.helper if sandbox.unshared else 1, mark, sandbox.scratch)
    layers = [
        _layer("mounts", lambda: _mounts(sandbox, grounds)),
        _layer("user", lambda: _user(sandbox, grounds)),
        _layer("limits", lambda: _limits(sandbox, grounds)),
        _layer("namespaces", lambda: _namespaces(sandbox, grounds)),
        _layer("no_new_privs", lambda: _no_new_privileges(grounds)),
        _layer("landlock", lambda: _landlock(sandbox, grounds)),
    ]
    process.stay_traceable()
    process.die_with_parent()
    if sandbox.unshared and os.getppid() != sandbox.helper:  # in a namespace of its own no parent can be seen
        os._exit(ORPHANED)
    try:
        listener = _filter(sandbox, grounds.mark)
        if listener.descriptor is not None:
            hand_over(listener.descriptor)
        layers.append(tried("seccomp", grounds))
    except OSError as error:
        listener = NoticeListener(None, _words(error))
        layers.append(Layer("seccomp", "unavailable", _words(error)))
    return sorted(layers, key=lambda layer: LAYERS.index(layer.name)), listener.reason


def _layer(name: str, attempt: Callable[[], Layer]) -> Layer:
    try:
        return attempt()
    except OSError as error:
        return Layer(name, "unavailable", _words(error))


def _words(error: OSError) -> str:
    return f"{error.strerror or error} ({errno.errorcode.get(error.errno or 0, '?')})"


def _mounts(sandbox: Sandbox, grounds: Grounds) -> Layer:
    """First of all: it takes the rights that the others give up."""
    if sandbox.tree < 0:
        return Layer("mounts", "unavailable", sandbox.treeless)
    mounts.enter(sandbox.tree)
    os.close(sandbox.tree)
    os.chdir(sandbox.scratch)
    return tried("mounts", grounds, note="a tree of its own")


def _user(sandbox: Sandbox, grounds: Grounds) -> Layer:
    if sandbox.user:
        user = process.drop_user(sandbox.user)
        process.drop_capabilities()
        return tried("user", grounds, note=f"became user {user}")
    process.drop_capabilities()
    found = tried(
        "user", grounds, note=f"runs as the calling user {os.getuid()}; only the superuser can drop to another"
    )
    return found._replace(state="degraded" if found.state == "active" else found.state)


def _limits(sandbox: Sandbox, grounds: Grounds) -> Layer:
    process.limit(resource.RLIMIT_CORE, 0)
    process.limit(resource.RLIMIT_CPU, sandbox.seconds)
    process.limit(resource.RLIMIT_FSIZE, FILE_LIMIT)
    process.limit(resource.RLIMIT_STACK, _STACK_LIMIT)
    process.limit(resource.RLIMIT_NOFILE, DESCRIPTOR_LIMIT)
    process.limit(resource.RLIMIT_RTPRIO, 0)
    counted = sandbox.user or not sandbox.unshared  # else it would count every process the user has
    if counted:
        process.limit(resource.RLIMIT_NPROC, PROCESS_LIMIT)
    together = (
        f"for all processes together: their number by {'RLIMIT_NPROC' if counted else _COUNT}, memory by {_COUNT}, "
        f"the scratch folder by {_COUNT if sandbox.tree < 0 else 'the size of its file system'}"
    )
    if sandbox.roomy:
        words = "memory is not limited: the library was built with a sanitizer, which reserves all of it"
        found = tried("limits", grounds, but=(MEMORY_WORDS,), note=f"{words}; {together}")
        return found._replace(state="degraded")
    process.limit(resource.RLIMIT_DATA, MEMORY_LIMIT)
    return tried("limits", grounds, note=together)


def _namespaces(sandbox: Sandbox, grounds: Grounds) -> Layer:
    if sandbox.unshared:
        return Layer("namespaces", "unavailable", sandbox.unshared)
    return tried("namespaces", grounds, note="own network, processes, mounts and IPC")


def _no_new_privileges(grounds: Grounds) -> Layer:
    process.forbid_new_privileges()
    return tried("no_new_privs", grounds)


def _landlock(sandbox: Sandbox, grounds: Grounds) -> Layer:
    opened = [sandbox.file] if sandbox.file >= 0 else []
    writable = [sandbox.scratch, *([SHARED_MEMORY] if sandbox.tree >= 0 else [])]
    version = landlock.restrict(writable=writable, readable=(*SYSTEM, *sandbox.readable), opened=opened)
    asked = any(os.path.commonpath((path, sandbox.outside)) == path for path in sandbox.readable)
    return tried("landlock", grounds, but=(READING_WORDS,) if asked else (), note=f"ABI {version}")


def _filter(sandbox: Sandbox, mark: int) -> NoticeListener:
    """Install the filter, with notification if that can be had."""
    reason = "not asked for"
    if sandbox.notify:
        try:
            program = filter_program(
                notify=True, isolated=not sandbox.unshared, loader_told=sandbox.loader_told, mark=mark
            )
            return NoticeListener(seccomp.install(program, listener=True))
        except OSError as error:
            reason = _words(error)
    seccomp.install(filter_program(notify=False, isolated=not sandbox.unshared))
    return NoticeListener(None, reason)


@cache
def _program_for_somebody(*, notify: bool, isolated: bool, loader_told: bool) -> bytes:
    table = policy.rules(policy.clauses(policy.SOMEBODY, isolated=isolated), notify=notify, isolated=isolated)
    if notify:
        if _LOADER is not None and not loader_told:
            table[:0] = [SeccompRule(call, ALLOW, made_in=_LOADER) for call in ("openat", "open")]
        return seccomp.compile_filter(table, otherwise=NOTIFY, newer=NOTIFY, silent=policy.MARK)
    return seccomp.compile_filter(table, otherwise=DENY, newer=seccomp.deny(errno.ENOSYS))


def filter_program(*, notify: bool, isolated: bool, loader_told: bool = True, mark: int = policy.MARK) -> bytes:
    """The filter for the calling process, ready to install; ``mark`` is by which it knows trials of its own.

    ``loader_told``: files that the loader's own code opens are told too, for whoever jumps there; each costs a notice.
    """
    program = _program_for_somebody(notify=notify, isolated=isolated, loader_told=loader_told)
    for known, own in ((policy.SOMEBODY, os.getpid()), (policy.MARK, mark)):
        program = program.replace(struct.pack("=I", known), struct.pack("=I", own))
    return program


def enter_namespaces() -> str:
    """Put the calling helper's children-to-be into namespaces of their own; why it could not be done, or ""."""
    try:
        namespaces.enter(("net", "pid", "ipc", "mnt"))
    except OSError as error:
        return _words(error)
    return ""
