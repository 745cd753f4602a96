"""Namespaces without any program's help. Sources: namespaces(7), user_namespaces(7), pid_namespaces(7)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from loadstone.probe.linux.syscalls import syscall

__all__ = ["enter"]

_FLAGS: Final = {
    "mnt": 0x00020000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}  # linux/sched.h


def enter(kinds: Iterable[str]) -> None:
    """Move the caller into new namespaces of these kinds (``pid``: its next children). Single-threaded callers only.

    An unprivileged caller enters a user namespace first, in which it keeps its own id. Raises OSError.
    """
    wanted = 0
    for kind in kinds:
        wanted |= _FLAGS[kind]
    user, group = os.geteuid(), os.getegid()
    if user != 0:
        syscall("unshare", _FLAGS["user"])
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    syscall("unshare", wanted)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
