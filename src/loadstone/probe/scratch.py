"""A private folder per probe, and its removal when hostile code has had it: no link followed, no depth too deep."""

from __future__ import annotations

import os
import stat
from typing import Final

__all__ = ["make", "remove"]

_MAX_ENTRIES: Final = 200_000
_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make(parent: str, user: int) -> str:
    """A new folder below ``parent`` with ``home`` and ``fence`` in it, 0700, the ``user``'s (0: the caller's)."""
    base = os.path.join(parent, f"loadstone-probe-{os.urandom(8).hex()}")
    for path in (base, os.path.join(base, "home"), os.path.join(base, "fence")):
        os.mkdir(path, 0o700)
        if user:
            os.chown(path, user, user)
    return base


def remove(base: str) -> bool:
    """Remove the folder and all in it; whether nothing is left. Its users must have ended.

    Nested folders are moved up before they are emptied, so that neither depth nor the length of a path matters.
    """
    try:
        top = os.open(base, _OPEN)
    except OSError:
        return not os.path.lexists(base)
    try:
        _empty(top)
    finally:
        os.close(top)
    try:
        os.rmdir(base)
    except OSError:
        return False
    return True


def _empty(top: int) -> None:
    moved = 0
    for _ in range(_MAX_ENTRIES):
        names = os.listdir(top)
        if not names:
            return
        for name in names:
            try:
                moved = _drop(top, name, moved)
            except OSError:
                return


def _drop(top: int, name: str, moved: int) -> int:
    if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=top)
        return moved
    os.chmod(name, 0o700, dir_fd=top)
    folder = os.open(name, _OPEN, dir_fd=top)
    try:
        for inner in os.listdir(folder):
            if stat.S_ISDIR(os.stat(inner, dir_fd=folder, follow_symlinks=False).st_mode):
                moved += 1
                os.chmod(inner, 0o700, dir_fd=folder)
                os.rename(inner, f".moved-{moved}", src_dir_fd=folder, dst_dir_fd=top)
            else:
                os.unlink(inner, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)
    return moved
