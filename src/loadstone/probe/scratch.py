"""A private folder for what is probed, and its removal after hostile code had it: no link followed, any depth.

A folder that nothing was done to serves the next probe as well: removing one costs milliseconds on some file systems,
as much as all the rest of a probe.
"""

from __future__ import annotations

import os
import stat
from typing import Final

__all__ = ["Scratch", "prefix", "remove"]

_MAX_ENTRIES: Final = 200_000
_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Scratch:
    """A folder with ``home`` and ``fence`` in it, all 0700 and the user's (0: the caller's)."""

    def __init__(self, parent: str, user: int) -> None:
        self.base = os.path.join(parent, f"{prefix(os.getpid())}{os.urandom(8).hex()}")
        self.home = os.path.join(self.base, "home")
        self.fence = os.path.join(self.base, "fence")
        for path in (self.base, self.home, self.fence):
            os.mkdir(path, 0o700)
            if user:
                os.chown(path, user, user)
        self._made = self._state()

    def is_pristine(self) -> bool:
        """Whether nothing in it was made, removed or changed, however briefly: the kernel's times tell."""
        return self._state() == self._made

    def _state(self) -> list[tuple[int, int, int]] | None:
        try:
            seen = [os.lstat(path) for path in (self.base, self.home, self.fence)]
        except OSError:
            return None
        return [(there.st_ino, there.st_mtime_ns, there.st_ctime_ns) for there in seen]


def prefix(helper: int) -> str:
    """How the names of a helper's folders begin, so that its caller can tidy up after one that was killed."""
    return f"loadstone-probe-{helper}-"


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
