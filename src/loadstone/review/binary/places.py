"""Who can change what stands at a path: owners and permissions of a file and of every directory above it.

A library is as trustworthy as the least guarded directory on the way to it. The rules are those of
path_resolution(7) and unlink(2): whoever may write a directory may replace what is in it, unless the directory is
sticky and the entry belongs to somebody else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from typing import Protocol

from loadstone.quick_dataclass import dataclass

__all__ = ["FileAccess", "Opening", "PathComponent", "Places", "PretendedPlaces", "SystemPlaces", "openings"]

_ROOT = 0


@dataclass(frozen=True, slots=True)
class FileAccess:
    """Owner, group and permission bits of one file or directory, as ``stat`` gives them."""

    owner: int
    group: int
    mode: int


@dataclass(frozen=True, slots=True)
class PathComponent:
    """One component of a path, and whether the next one exists."""

    path: str
    access: FileAccess
    is_last: bool
    next_exists: bool


class Places(Protocol):
    """A file system, as far as trust in its paths needs one."""

    @property
    def trusted_users(self) -> frozenset[int]:
        """Users whose writing is nobody's concern here: root, and whoever runs the review."""
        ...

    def access(self, path: str) -> FileAccess | None:
        """What guards ``path``, links followed; None when there is nothing or it cannot be looked at."""
        ...

    def real(self, path: str) -> str:
        """``path`` absolute and without links."""
        ...


class SystemPlaces:
    """This system's own file system. Reads only; thread-safe. On Windows there are no mode bits to judge by."""

    @property
    def trusted_users(self) -> frozenset[int]:
        return frozenset({_ROOT, os.geteuid()}) if hasattr(os, "geteuid") else frozenset({_ROOT})

    def access(self, path: str) -> FileAccess | None:
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return None
        return FileAccess(status.st_uid, status.st_gid, status.st_mode)

    def real(self, path: str) -> str:
        return os.path.realpath(path)


@dataclass(frozen=True, slots=True)
class PretendedPlaces:
    """A file system made of a table: what a target system looks like, seen from another one."""

    entries: Mapping[str, FileAccess]
    trusted_users: frozenset[int] = frozenset({_ROOT})

    def access(self, path: str) -> FileAccess | None:
        return self.entries.get(path)

    def real(self, path: str) -> str:
        return path


@dataclass(frozen=True, slots=True)
class Opening:
    """A way in for somebody else: which component, and who could use it. ``anyone``: not only one user or group."""

    path: str
    reason: str
    anyone: bool


def _walk(path: str, places: Places) -> Iterator[PathComponent]:
    """The components of an absolute path from the root down, as far as they exist."""
    names = [name for name in path.split("/") if name not in {"", "."}]
    components = ["/" + "/".join(names[:count]) for count in range(len(names) + 1)]
    accesses = [places.access(component) for component in components]
    for position, (component, access) in enumerate(zip(components, accesses, strict=True)):
        if access is None:
            return
        last = position == len(components) - 1
        yield PathComponent(component, access, last, last or accesses[position + 1] is not None)


def openings(path: str, places: Places, *, owners: frozenset[int] = frozenset()) -> tuple[Opening, ...]:
    """Every component of the absolute ``path`` that somebody other than ``owners`` and the trusted users can change.

    A sticky directory protects the entries that exist, and nothing else. A group of one's own (same number as the
    owner, the user-private groups of most distributions) is its owner.
    """
    trusted = places.trusted_users | owners
    found: list[Opening] = []
    for place in _walk(path, places):
        access = place.access
        sticky = bool(access.mode & stat.S_ISVTX) and place.next_exists and not place.is_last
        if access.mode & stat.S_IWOTH and not sticky:
            found.append(Opening(place.path, "anybody may write it", anyone=True))
        elif access.owner not in trusted:
            found.append(Opening(place.path, f"user {access.owner} owns it", anyone=False))
        elif access.mode & stat.S_IWGRP and access.group not in trusted and not sticky:
            found.append(Opening(place.path, f"group {access.group} may write it", anyone=False))
    return tuple(found)
