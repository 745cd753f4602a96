"""A private folder for what is probed, and its removal after hostile code had it: no link followed, any depth.

A folder that nothing was done to serves the next probe as well: removing one costs milliseconds on some file systems,
as much as all the rest of a probe.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from time import time
from typing import Final, Self

from loadstone.errors import ProbeFailed

__all__ = ["Scratch", "home_of_scratch", "outside_of", "prefix", "remove", "size_of"]

_USUAL: Final = ("/tmp", "/var/tmp", "/usr/tmp", "/dev/shm")  # noqa: S108 - a folder of a name nobody knows is made in it
_MAX_ENTRIES: Final = 200_000
_MAX_COUNTED: Final = 10_000
_BLOCK: Final = 512  # st_blocks of stat(2)
_MAKING: Final = ".loadstone-making-"
_OURS: Final = ("loadstone-probe-", "loadstone-fuzz-", "loadstone-host-", _MAKING)
_BEING_MADE_S: Final = 10.0
_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


_taking: Final[set[str]] = set()
"""Folders in which one was made already."""


class Scratch:
    """A folder with ``home`` and ``outside`` in it, all 0700 and the user's (0: the caller's). A context manager.

    It is locked for as long as its owner lives, in the eyes of the kernel: whoever makes the next one removes those
    whose owners were killed.
    """

    def __init__(self, parent: str, user: int = 0, purpose: str = "probe") -> None:
        _sweep(parent)
        self.base: str = os.path.join(parent, f"{prefix(os.getpid(), purpose)}{os.urandom(8).hex()}")
        self.home: str = os.path.join(self.base, "home")
        self.outside: str = outside_of(self.home)
        making = os.path.join(parent, f"{_MAKING}{os.urandom(8).hex()}")
        os.mkdir(making, 0o700)
        self._lock = os.open(making, _OPEN)
        with suppress(OSError):  # where there are no locks nothing is ever swept either
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        try:
            os.rename(making, self.base)
            self._furnish(user)
        except OSError:
            for path in (making, self.base):
                remove(path)
            os.close(self._lock)
            raise
        self._made = self._state()

    def _furnish(self, user: int) -> None:
        for path in (self.home, self.outside):
            os.mkdir(path, 0o700)
        if user:
            for path in (self.base, self.home, self.outside):
                os.chown(path, user, user)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove it and all in it; its users must have ended."""
        remove(self.base)
        os.close(self._lock)

    def is_pristine(self) -> bool:
        """Whether nothing in it was made, removed or changed, however briefly: the kernel's times tell."""
        return self._state() == self._made

    def _state(self) -> list[tuple[int, int, int]] | None:
        try:
            seen = [os.lstat(path) for path in (self.base, self.home, self.outside)]
        except OSError:
            return None
        return [(there.st_ino, there.st_mtime_ns, there.st_ctime_ns) for there in seen]


def home_of_scratch() -> str:
    """Where temporary folders can be made: $TMPDIR and kin, then where systems have such a place. Raises ProbeFailed.

    Not asked by writing a file, as :func:`tempfile.gettempdir` does: a folder can be made where files cannot.
    """
    named = [os.environ[name] for name in ("TMPDIR", "TEMP", "TMP") if os.environ.get(name)]
    for folder in (*named, *_USUAL):
        if os.path.isabs(folder) and (folder in _taking or _takes_folders(folder)):
            _taking.add(folder)
            return folder
    raise ProbeFailed(
        reason=f"no temporary folder can be written to: tried {', '.join((*named, *_USUAL))}",
        advice="set TMPDIR to a folder that you may write to",
    )


def _takes_folders(folder: str) -> bool:
    """Tried: what the superuser may write to need not take anything, as /proc does not."""
    trial = os.path.join(folder, f"{_MAKING}{os.urandom(8).hex()}")
    try:
        os.mkdir(trial, 0o700)
        os.rmdir(trial)
    except OSError:
        return False
    return True


def outside_of(home: str) -> str:
    """The folder beside a scratch folder that the sandbox must keep closed."""
    return os.path.join(os.path.dirname(home), "outside")


def prefix(owner: int, purpose: str = "probe") -> str:
    """How the names of a process's folders begin, so that its caller can tidy up after one that was killed."""
    return f"loadstone-{purpose}-{owner}-"


def _sweep(parent: str) -> None:
    """Remove what killed owners left: folders of ours that nobody holds locked."""
    with suppress(OSError):
        for name in os.listdir(parent):
            if name.startswith(_OURS):
                _remove_abandoned(os.path.join(parent, name), is_new=name.startswith(_MAKING))


def _remove_abandoned(base: str, *, is_new: bool) -> None:
    with suppress(OSError):
        folder = os.open(base, _OPEN)
        try:
            there = os.fstat(folder)
            if is_new and time() - there.st_mtime < _BEING_MADE_S:
                return
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.geteuid() in (0, there.st_uid):
                remove(base)
        finally:
            os.close(folder)


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


def size_of(folder: str) -> int:
    """Bytes on the disk of what is in a folder, as far as they are found among its first entries; no link followed."""
    total, folders, seen = 0, [folder], 0
    while folders and seen < _MAX_COUNTED:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                seen += 1
                there = entry.stat(follow_symlinks=False)
                total += there.st_blocks * _BLOCK
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return total


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
