"""Who may read a file and pass the directories before it: permission bits and access control lists, for one user.

Source: path_resolution(7); acl(5), "Access Check Algorithm"; linux/posix_acl_xattr.h (the extended attribute that holds
a list). Capabilities are not weighed, but for the superuser, to whom everything is open.
"""

from __future__ import annotations

import os
import stat
import struct
from functools import lru_cache
from typing import Final

from loadstone.core import host
from loadstone.quick_dataclass import dataclass

__all__ = ["AclEntry", "Barrier", "allows", "barrier", "groups_of", "parse_list"]

_ATTRIBUTE: Final = "system.posix_acl_access"
_VERSION: Final = 2
_USER, _GROUP_OF_FILE, _GROUP, _MASK = 0x02, 0x04, 0x08, 0x10
_READ, _PASS = 4, 1


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One entry of an access control list: whom it is about (``id`` for a named user or group), and what he may."""

    tag: int
    permissions: int
    id: int


@dataclass(frozen=True, slots=True)
class Barrier:
    """Where a user gets no further: a directory he may not pass or a file he may not read, and what says so."""

    path: str
    is_directory: bool
    by_list: bool


def parse_list(data: bytes) -> tuple[AclEntry, ...]:
    r"""The entries of the extended attribute; none when it is not of the version that is known.

    >>> parse_list(b"\2\0\0\0" + struct.pack("<HHI", 2, 4, 1000))
    (AclEntry(tag=2, permissions=4, id=1000),)
    """
    if len(data) < 4 or len(data) % 8 != 4 or int.from_bytes(data[:4], "little") != _VERSION:
        return ()
    return tuple(AclEntry(*entry) for entry in struct.iter_unpack("<HHI", data[4:]))


def allows(
    status: os.stat_result, entries: tuple[AclEntry, ...], uid: int, groups: frozenset[int], permission: int
) -> bool:
    """Whether a user may do to a file what ``permission`` stands for (4 read, 2 write, 1 execute or pass). Pure."""
    if uid == 0:
        return True
    if status.st_uid == uid:
        return bool(status.st_mode & permission << 6)
    if (
        not entries or not status.st_mode & stat.S_IRWXG
    ):  # the group bits are the list's mask: Linux looks at them first
        shift = 3 if status.st_gid in groups else 0
        return bool(status.st_mode & permission << shift)
    mask = next((e.permissions for e in entries if e.tag == _MASK), 7)
    named = next((e for e in entries if e.tag == _USER and e.id == uid), None)
    if named is not None:
        return bool(named.permissions & mask & permission)
    of_groups = [
        e.permissions
        for e in entries
        if (e.tag == _GROUP_OF_FILE and status.st_gid in groups) or (e.tag == _GROUP and e.id in groups)
    ]
    if of_groups:
        return any(granted & mask & permission for granted in of_groups)
    return bool(status.st_mode & permission)


def barrier(path: str, uid: int, groups: frozenset[int], *, top: str = "/") -> Barrier | None:
    """The first thing below ``top`` that keeps a user from reading ``path``, an absolute one; None when nothing does.

    Raises:
        OSError: something on the way does not exist, or this process may not look at it.
    """
    real, top = os.path.realpath(path), os.path.realpath(top)
    for directory in _directories(real, top):
        found = _closed(directory, uid, groups, _PASS)
        if found is not None:
            return found
    return _closed(real, uid, groups, _READ)


def _directories(real: str, top: str) -> list[str]:
    """The directories from ``top`` to the one that holds ``real``, in the order they are passed."""
    found = [os.path.dirname(real)]
    while found[-1] not in (top, "/"):
        found.append(os.path.dirname(found[-1]))
    return found[::-1]


def _closed(path: str, uid: int, groups: frozenset[int], permission: int) -> Barrier | None:
    status = os.stat(path)
    entries = _list_of(path)
    if allows(status, entries, uid, groups, permission):
        return None
    by_list = bool(entries) and allows(status, (), uid, groups, permission)
    return Barrier(path, stat.S_ISDIR(status.st_mode), by_list)


def _list_of(path: str) -> tuple[AclEntry, ...]:
    """The access control list of a file; none where the file, its file system or this platform has none."""
    if not hasattr(os, "getxattr"):
        return ()
    try:
        return parse_list(os.getxattr(path, _ATTRIBUTE))
    except OSError:
        return ()


@lru_cache(maxsize=64)
def groups_of(uid: int) -> frozenset[int]:
    """The groups the system's user database gives a user; none for one it does not know."""
    return host.groups_of(uid)
