"""One file of a container: its name, where it comes from, and its bytes while it is the current one."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import IO, Final, Protocol

from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.held import Content, held
from loadstone.errors import Closed
from loadstone.quick_dataclass import dataclass, field

__all__ = ["SEPARATOR", "PackedFile", "Reader", "exactly", "inside", "plain_name"]

SEPARATOR: Final = "!/"
"""Between a container and the path in it, as Java's jar: URLs have it."""

_PIECE: Final = 1 << 20


class Reader(Protocol):
    """The part of a binary file that a member is read through."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(slots=True, eq=False)
class PackedFile:
    """A regular file or a link of a container.

    ``name`` is its path in the container, without a leading slash, dots resolved; ``path`` says where it comes from
    (``X.whl!/pkg/lib.so``); ``size`` is what the container claims; ``link`` the target of a symbolic link as written,
    ``same_as`` the name of an earlier member for a hard link; ``mode`` the permission bits, 0 where there are none.

    Content can be read only until the iterator it came from moves on: most containers are streams. Where the container
    is a file that can be entered anywhere, ``again`` writes the content anew into a file at any time, and raises as
    :meth:`read`.
    """

    name: str
    path: str
    size: int
    budget: UnpackBudget
    link: str | None = None
    same_as: str | None = None
    mode: int = 0
    opener: Callable[[], Reader] | None = None
    again: Callable[[IO[bytes]], None] | None = None
    _reader: Reader | None = field(default=None, repr=False)
    _begun: bytes = field(default=b"", repr=False)

    def head(self, size: int = 4096) -> bytes:
        """The first bytes, as many as there are up to ``size``."""
        self._fill(size)
        return self._begun[:size]

    def read(self) -> bytes:
        """The whole content.

        Raises:
            TooLarge: it is more than a member may be, or more than is left of the archive's bounds.
            Closed: the archive has been read on, or the member is a link.
            MalformedImage: the container contradicts itself.
        """
        self.budget.check_member(self.path, self.size)
        self._fill(self.budget.bounds.member + 1)
        self.budget.check_member(self.path, len(self._begun))
        return self._begun

    def held(self) -> AbstractContextManager[Content]:
        """The whole content, in memory only if it is small; nothing else can be had of it afterwards. As :meth:`read`.

        Raises as well:
            Unreadable: there is no room for a temporary file.
        """
        self.budget.check_member(self.path, self.size)
        return held(self.size, self._move, self.path)

    def open(self) -> io.BytesIO:
        """The whole content as a seekable file."""
        return io.BytesIO(self.read())

    def close(self) -> None:
        """From now on the content cannot be had."""
        self.opener = self._reader = None
        self._begun = b""

    def _move(self, out: IO[bytes]) -> None:
        """Write the whole content, and forget it."""
        out.write(self._begun)
        size, most = len(self._begun), self.budget.bounds.member
        self._begun = b""
        while piece := self._source().read(_PIECE):
            self.budget.spend(len(piece))
            size += len(piece)
            self.budget.check_member(self.path, min(size, most + 1))
            out.write(piece)
        self.close()

    def _fill(self, size: int) -> None:
        if len(self._begun) >= size:
            return
        source = self._source()
        begun, self._begun = _after(self._begun), b""
        while begun.tell() < size:
            piece = source.read(min(size - begun.tell(), _PIECE))
            if not piece:
                break
            self.budget.spend(len(piece))
            begun.write(piece)
        self._begun = begun.getvalue()

    def _source(self) -> Reader:
        if self._reader is None:
            if self.opener is None:
                raise Closed(library=self.path, attempted="read a member of an archive")
            self._reader = self.opener()
        return self._reader


def _after(begun: bytes) -> io.BytesIO:
    """Where the rest is added. Of a large member there is never a second copy, as there is when pieces are joined."""
    grown = io.BytesIO(begun)
    grown.seek(0, io.SEEK_END)
    return grown


def exactly(stream: Reader, size: int) -> bytes:
    """The next ``size`` bytes of a stream that may give them in pieces; fewer at its end."""
    pieces, have = [], 0
    while have < size and (piece := stream.read(size - have)):
        pieces.append(piece)
        have += len(piece)
    return b"".join(pieces)


def plain_name(name: str) -> str:
    """A member's name as a path below the container: no leading slash, no dots that lead out of it.

    >>> plain_name("./usr//lib/../lib64/a.so"), plain_name("/../../etc/x"), plain_name("X/..")
    ('usr/lib64/a.so', 'etc/x', '')
    """
    return posixpath.normpath(f"/{name}").lstrip("/")


def inside(container: str, name: str) -> str:
    """Where a member comes from, in words: ``X.whl!/pkg/lib.so``."""
    return f"{container}{SEPARATOR}{name}"
