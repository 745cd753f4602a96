"""Who can change a file, or the way to it: owners and permissions of the file and of every directory above.

A link's own place counts as well as its target's: who can replace the link decides what is loaded. A sticky directory
(/tmp) is no danger to what its owner put there. Sources: path_resolution(7), inode(7) "sticky bit"; CWE-732, CWE-427.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import lru_cache
from time import monotonic
from typing import Final

from loadstone.core.host import effective_user
from loadstone.errors import NotVerified
from loadstone.library.trust.policy import Assurance, Policy

__all__ = ["assurance_of", "check_place", "is_open_to_all", "steps_of"]

_BELIEVED: Final = 1.0
"""Seconds for which a good answer about the directories on the way is used again; the file is looked at every time."""

_MAX_LINKS: Final = 40  # as the kernel: path_resolution(7)


def check_place(path: str, policy: Policy, status: os.stat_result | None = None) -> None:
    """Refuse a file that somebody the policy does not trust can change.

    Args:
        path: the file; absolute.
        policy: whom to trust.
        status: what lstat(2) says of the file, where that is known already.

    Raises:
        NotVerified: says which component, and what is wrong with it.
        OSError: a component vanished meanwhile.
    """
    if policy.trusted_dirs:
        _check_trusted(path, policy.trusted_dirs)
    if policy.require_owner is None and (policy.allow_writable or _is_plainly_closed(path, status)):
        return
    for place, found, sheltered in steps_of(path):
        problem = _problem(found, policy, sheltered=sheltered)
        if problem:
            requirement, actual, advice = problem
            raise NotVerified(path=path, requirement=requirement, actual=f"{place} {actual}", advice=advice)


def _is_plainly_closed(path: str, status: os.stat_result | None) -> bool:
    """Whether there is no link on the way, and nothing that everybody may write to: the usual case, told quickly."""
    if (status or os.lstat(path)).st_mode & stat.S_IWOTH:
        return False
    return _is_plain_way(path.rpartition("/")[0], int(monotonic() / _BELIEVED))


@lru_cache(maxsize=256)
def _is_plain_way(directory: str, _moment: int) -> bool:
    for place in _prefixes(directory):
        mode = os.lstat(place).st_mode
        if mode & stat.S_IWOTH and not (mode & stat.S_ISVTX and stat.S_ISDIR(mode)):  # a link has every bit set
            return False
    return True


def _prefixes(path: str) -> tuple[str, ...]:
    parts = path.split("/")
    return ("/", *("/".join(parts[:count]) for count in range(2, len(parts) + 1) if parts[count - 1]))


def _check_trusted(path: str, directories: tuple[str, ...]) -> None:
    real = os.path.realpath(path)
    if not any(real.startswith(os.path.realpath(d).rstrip("/") + "/") for d in directories):
        raise NotVerified(
            path=path,
            requirement="it must be in a trusted directory",
            expected=", ".join(directories),
            actual=real,
            advice="install it there, or add its directory to Policy.trusted_dirs",
        )


def _problem(status: os.stat_result, policy: Policy, *, sheltered: bool) -> tuple[str, str, str] | None:
    """What is wrong with one component: the requirement, what was found, what to do."""
    mode = status.st_mode
    owners = policy.require_owner
    if owners is not None and status.st_uid not in owners:
        allowed = ", ".join(map(str, owners))
        return (
            f"only the users {allowed} may own it or a directory above it",
            f"belongs to user {status.st_uid}",
            "change its owner (chown), or name that user in Policy.require_owner",
        )
    if stat.S_ISLNK(mode) or sheltered:
        return None
    writers = stat.S_IWOTH if owners is None else stat.S_IWOTH | stat.S_IWGRP
    if mode & writers and not policy.allow_writable:
        who = "everybody" if mode & stat.S_IWOTH else f"group {status.st_gid}"
        return (
            "nobody else may be able to change it or a directory above it",
            f"can be written by {who}",
            f"run chmod {'o-w' if mode & stat.S_IWOTH else 'g-w'} on it, or pass Policy(allow_writable=True)",
        )
    return None


def steps_of(path: str) -> Iterator[tuple[str, os.stat_result, bool]]:
    """Every directory, link and file on the way, in order: its path, its lstat, whether it is a sticky directory.

    The entries of a sticky directory can be replaced by their owners only.
    """
    pending = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    here: list[str] = []
    status = os.lstat("/")
    yield "/", status, False
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            del here[-1:]
            continue
        place = "/" + "/".join((*here, part))
        status = os.lstat(place)
        if stat.S_ISLNK(status.st_mode):
            yield place, status, False
            links += 1
            if links > _MAX_LINKS:
                return
            target = os.readlink(place)
            if _is_anonymous(place, target):
                return
            if target.startswith("/"):
                here.clear()
            pending.extend(p for p in reversed(target.split("/")) if p not in ("", "."))
            continue
        here.append(part)
        yield place, status, bool(stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX)


def _is_anonymous(link: str, target: str) -> bool:
    """Whether a link of /proc leads to an open file that has no name (a memfd): its text is no path then."""
    return link.startswith("/proc/") and not os.path.lexists(target) and os.path.exists(link)


def is_open_to_all(directory: str) -> bool:
    """Whether everybody may put files there; a directory that cannot be looked at counts as one."""
    try:
        mode = os.stat(directory).st_mode
    except OSError:
        return True
    return bool(mode & stat.S_IWOTH)


@lru_cache(maxsize=1)
def _trusted() -> Policy:
    return Policy(require_owner=tuple({0, effective_user()}))


def assurance_of(path: str) -> Assurance:
    """What the place of an unpinned file is worth: path-trusted when only root and this user can change it."""
    try:
        check_place(path, _trusted())
    except (NotVerified, OSError):
        return Assurance.NONE
    return Assurance.PATH_TRUSTED
