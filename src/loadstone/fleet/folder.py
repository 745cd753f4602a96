"""Where a store's files are: a folder of this machine or of an object store, written so that no half file is seen."""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Final

from loadstone.errors import InvalidName, Unreadable, Unwritable
from loadstone.escape import is_utf8
from loadstone.files import try_lock
from loadstone.fleet.inputs import is_remote
from loadstone.fleet.locations import file_system

__all__ = ["StoreFolder"]

_LOCK: Final = ".lock"
"""Empty, and left there: its lock is what counts (flock(2))."""


class StoreFolder:
    """Files by name below one place. Thread-safe: every call stands for itself.

    Raises:
        InvalidName: the place's name is empty, or not UTF-8, which the database and Parquet's readers ask for.
    """

    def __init__(self, place: str) -> None:
        if not place:
            raise InvalidName(name=place, reason="the folder of a fleet's tables needs a name")
        if not is_utf8(place):
            raise InvalidName(name=place, reason="the folder of a fleet's tables needs a name in UTF-8")
        self.place: str = place.rstrip("/") if is_remote(place) else os.path.abspath(place)
        self.is_remote: bool = is_remote(place)
        self.system: Any = None
        if self.is_remote:
            self.system, self._path = file_system(self.place)

    def __reduce__(self) -> tuple[type[StoreFolder], tuple[str]]:
        return StoreFolder, (self.place,)

    def path(self, name: str) -> str:
        """The path or address of a file."""
        return posixpath.join(self.place, name)

    def write(self, name: str, data: bytes) -> None:
        """Put a whole file in its place at once: readers see the old one, or all of the new one.

        Raises:
            Unwritable: the disk is full, or the place cannot be written; nothing is left behind.
        """
        try:
            if self.is_remote:
                self.system.pipe_file(posixpath.join(self._path, name), data)
            else:
                _replace(self.path(name), data)
        except OSError as error:
            raise Unwritable(
                path=self.path(name),
                reason=error.strerror or str(error),
                advice="make room and run the same scan again: what is written is kept",
            ) from error

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """The store is changed by nobody else in the block. An object store and Windows have no such lock.

        Raises:
            Unwritable: a scan or a compaction has it, or the place cannot be written. A lock ends with its process.
        """
        if self.is_remote:
            yield
            return
        with self._lock_file() as lock:
            if not try_lock(lock):
                reason, advice = "another scan or compaction writes to it", "wait for it, or use another store"
                raise Unwritable(path=self.place, reason=reason, advice=advice)
            yield

    def _lock_file(self) -> IO[bytes]:
        try:
            os.makedirs(self.place, exist_ok=True)
            return open(self.path(_LOCK), "ab")
        except OSError as error:
            raise Unwritable(path=self.place, reason=error.strerror or str(error)) from error

    def read(self, name: str) -> bytes:
        """A whole file. Raises :class:`Unreadable`."""
        try:
            if self.is_remote:
                data: bytes = self.system.cat_file(posixpath.join(self._path, name))
            else:
                with open(self.path(name), "rb") as stream:
                    data = stream.read()
        except OSError as error:
            raise Unreadable(path=self.path(name), reason=error.strerror or str(error), code=error.errno) from error
        return data

    def names(self, below: str) -> list[str]:
        """The names of all files below a folder, sorted; none where there is no such folder."""
        if self.is_remote:
            root = posixpath.join(self._path, below)
            found = self.system.find(root) if self.system.exists(root) else []
            return sorted(posixpath.relpath(name, self._path) for name in found)
        paths = (os.path.join(place, name) for place, _, names in os.walk(self.path(below)) for name in names)
        return sorted(os.path.relpath(path, self.place) for path in paths if not path.endswith(".partial"))

    def size(self) -> int:
        """Bytes of all files."""
        if self.is_remote:
            return int(self.system.du(self._path))
        return sum(os.path.getsize(self.path(name)) for name in self.names(""))

    def remove(self, name: str) -> None:
        """Take a file away; it may be gone already."""
        with suppress(OSError):
            if self.is_remote:
                self.system.rm_file(posixpath.join(self._path, name))
            else:
                os.unlink(self.path(name))


def _replace(path: str, data: bytes) -> None:
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".partial")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
