"""The one place that slices bytes: every offset and length from a file is checked here before it is used.

Bytes come from memory or from a file descriptor by ``pread``. Files are not mapped: a file cut short by someone else
while it is mapped kills the reading process (SIGBUS), and for the few tables an image is made of, reading the first
32 KiB and then exactly what is asked for takes half the time of a mapping (12 against 26 microseconds a library).
Opening never blocks on a FIFO, never touches a device and never follows a file that grows beyond the limit.
Sources: open(2), pread(2), mmap(2) "SIGBUS".
"""

from __future__ import annotations

import builtins
import os
from struct import Struct
from typing import Any, Final, Self

from loadstone.core.host import read_at
from loadstone.core.limits import MAX_FILE_SIZE, MAX_STRING_LENGTH, MAX_TABLE_SIZE
from loadstone.errors import MalformedImage, Unreadable
from loadstone.files import open_regular

__all__ = ["Cursor"]

_HEAD_SIZE: Final = 32 << 10
"""Read at once on opening: the headers, and all tables of a small library."""


class Cursor:
    """Bounds-checked access to the bytes of one image: a whole file, or a window of it.

    Offsets are always positions in the whole file, so that they can be cited as they are; ``start`` and ``end`` bound
    the window, and a reader adds ``start`` to every offset that the image counts from its own beginning. Use as a
    context manager: leaving closes the file. Not shared between threads; make one for each.

    >>> with Cursor.of(b"abcdef") as cursor:
    ...     cursor.bytes(2, 3)
    b'cde'
    """

    __slots__ = ("_descriptor", "_head", "end", "path", "start")

    def __init__(self, head: bytes, start: int, end: int, path: str | None, descriptor: int | None) -> None:
        self._head = head
        self._descriptor = descriptor
        self.start: int = start
        self.end: int = end
        self.path: str | None = path

    @classmethod
    def of(cls, data: bytes, path: str | None = None) -> Self:
        """A cursor over bytes in memory; ``path`` is only for messages."""
        return cls(data, 0, len(data), path, None)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """A cursor over a regular file.

        Raises:
            Unreadable: the system refuses (with its words), or it is not a regular file, or it is larger than 8 GiB.
        """
        name = os.fspath(path)
        return cls.taking(open_regular(name), name)

    @classmethod
    def taking(cls, descriptor: int, name: str) -> Self:
        """A cursor over an open file, whose descriptor is the cursor's from now on. Raises as :meth:`open`."""
        try:
            status = os.fstat(descriptor)
            if status.st_size > MAX_FILE_SIZE:
                raise Unreadable(path=name, reason=f"{status.st_size} bytes are more than the {MAX_FILE_SIZE} allowed")
            head = read_at(descriptor, min(_HEAD_SIZE, status.st_size), 0)
        except OSError as error:
            os.close(descriptor)
            raise error if isinstance(error, Unreadable) else _refused(name, error) from error
        return cls(head, 0, status.st_size, name, descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the descriptor back; safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def size(self) -> int:
        """Bytes in the window."""
        return self.end - self.start

    def window(self, start: int, size: int) -> Cursor:
        """A cursor over a part of this one, sharing its file; leaving the window open or closed does not matter.

        Raises:
            MalformedImage: the part does not lie inside this cursor.
        """
        if not (self.start <= start <= start + size <= self.end):
            raise self.malformed(f"a part of {size} bytes is said to be here, outside the file", start)
        return _Window(self._head, start, start + size, self.path, self._descriptor)

    def bytes(self, offset: int, size: int) -> builtins.bytes:
        """Exactly ``size`` bytes from ``offset``.

        Raises:
            MalformedImage: they do not all lie inside, or are more than any table may have (``MAX_TABLE_SIZE``).
        """
        stop = offset + size
        if not (self.start <= offset <= stop <= self.end):
            raise self.malformed(f"{size} bytes wanted where the file has {max(self.end - offset, 0)}", offset)
        if stop <= len(self._head):
            return self._head[offset:stop]
        if size > MAX_TABLE_SIZE:
            raise self.malformed(f"a table of {size} bytes is more than the {MAX_TABLE_SIZE} allowed", offset)
        return self._pread(offset, size)

    def upto(self, offset: int, size: int) -> builtins.bytes:
        """As many of ``size`` bytes from ``offset`` as there are, perhaps none; never an error of the format."""
        if not self.start <= offset < self.end or size <= 0:
            return b""
        return self.bytes(offset, min(size, self.end - offset, MAX_TABLE_SIZE))

    def unpack(self, layout: Struct, offset: int) -> tuple[Any, ...]:
        """The fields of ``layout`` at ``offset``; raises like :meth:`bytes`."""
        return layout.unpack(self.bytes(offset, layout.size))

    def string(self, offset: int, limit: int = MAX_STRING_LENGTH) -> str:
        """The text up to the next NUL, undecodable bytes kept (surrogateescape).

        Raises:
            MalformedImage: no NUL follows within ``limit`` bytes or before the end.
        """
        length = 64
        while True:
            found, zero, _ = self.upto(offset, min(length, limit)).partition(b"\0")
            if zero:
                return found.decode("utf-8", "surrogateescape")
            if length >= limit or offset + length >= self.end:
                raise self.malformed("a string is not terminated", offset)
            length *= 8

    def malformed(self, what: str, offset: int) -> MalformedImage:
        """The error to raise for ``what`` seen at ``offset``, carrying the path."""
        return MalformedImage(what=what, offset=offset, path=self.path)

    def _pread(self, offset: int, size: int) -> builtins.bytes:
        if self._descriptor is None:  # only a closed cursor gets here: bytes in memory are all head
            raise ValueError("the cursor is closed")
        try:
            data = read_at(self._descriptor, size, offset)
            while len(data) < size:
                more = read_at(self._descriptor, size - len(data), offset + len(data))
                if not more:
                    raise self.malformed("the file was cut short while it was read", offset + len(data))
                data += more
        except OSError as error:
            raise _refused(self.path or "", error) from error
        return data


class _Window(Cursor):
    """A part of another cursor; the file belongs to that one."""

    __slots__ = ()

    def close(self) -> None:
        self._descriptor = None


def _refused(path: str, error: OSError) -> Unreadable:
    return Unreadable(path=path, reason=error.strerror or str(error), code=error.errno)
