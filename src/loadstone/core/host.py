"""What only some systems' ``os`` has, behind one seam: the reading parts do the same everywhere.

Each function says what it answers where the system has no such thing. Nothing here asks which platform it is.
"""

from __future__ import annotations

import os
from importlib import import_module

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = [
    "READ_FLAGS",
    "effective_group",
    "effective_groups",
    "effective_user",
    "extended_attributes",
    "groups_of",
    "is_noexec",
    "kernel",
    "read_at",
]

READ_FLAGS: Final[int] = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)
"""To open a file for reading: never waiting for a FIFO's other end, never inherited, bytes as they are."""


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """As pread(2). Without it the descriptor's position is moved: then only one thread may use it at a time."""
    pread = _of_os("pread")
    if pread is not None:
        return bytes(pread(descriptor, size, offset))
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, size)


def effective_user() -> int:
    """The user's number; 0, to whom nothing is closed, where users have none."""
    asked = _of_os("geteuid")
    return int(asked()) if asked is not None else 0


def effective_group() -> int:
    """The number of the group; 0 where there are none."""
    asked = _of_os("getegid")
    return int(asked()) if asked is not None else 0


def effective_groups() -> frozenset[int]:
    """The numbers of the groups; none where there are none."""
    others = _of_os("getgroups")
    return frozenset((effective_group(), *others())) if others is not None else frozenset()


def groups_of(user: int) -> frozenset[int]:
    """The groups the system's user database gives a user; none for one it does not know, or without a database."""
    try:
        entry = import_module("pwd").getpwuid(user)
    except (ImportError, KeyError):
        return frozenset()
    return frozenset(_of_os("getgrouplist")(entry.pw_name, entry.pw_gid))


def is_noexec(file: str | int) -> bool:
    """Whether the file system of a path or an open file forbids execution; False where that cannot be asked.

    Raises OSError.
    """
    asked = _of_os("statvfs")
    forbidden = getattr(os, "ST_NOEXEC", 8)  # Linux's, which PyPy has no name for; others never set it
    return asked is not None and bool(asked(file).f_flag & forbidden)


def extended_attributes(path: str) -> tuple[str, ...]:
    """The names of a file's extended attributes; none where there are none. Raises OSError."""
    asked = _of_os("listxattr")
    return tuple(asked(path)) if asked is not None else ()


def kernel() -> str:
    """The release of the kernel as uname(2) says it, "" where nobody says."""
    asked = _of_os("uname")
    return str(asked().release) if asked is not None else ""


def _of_os(name: str) -> Any:
    return getattr(os, name, None)
