"""Archives made by ar: Debian packages, which hold tar archives, and static libraries, which hold object files.

Sources: deb(5); ar(5).
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import IO, Final

from loadstone.archives import tar
from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.member import PackedFile, inside, plain_name
from loadstone.binary.archive import ArchiveMember as Place
from loadstone.binary.archive import members as places
from loadstone.binary.cursor import Cursor
from loadstone.errors import MalformedImage

__all__ = ["debian_members", "static_members"]

_DATA: Final = "data.tar"


class _Window:
    """A part of a seekable file, as a stream."""

    def __init__(self, stream: IO[bytes], place: Place) -> None:
        self._stream, self._position, self._left = stream, place.offset, place.size

    def read(self, size: int, /) -> bytes:
        self._stream.seek(self._position)
        piece = self._stream.read(min(size, self._left))
        self._position += len(piece)
        self._left -= len(piece)
        return piece


def debian_members(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files a Debian package installs."""
    for place in _places(stream, path):
        if place.name.startswith(_DATA):
            yield from tar.members(_Window(stream, place), path, budget)
            return
    raise MalformedImage(what="a Debian package without data.tar", path=path)


def static_members(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The object files of a static library; a thin one only names them."""
    for place in _places(stream, path):
        budget.count()
        window = _Window(stream, place)
        name = plain_name(place.name)
        opener = (lambda window=window: window) if place.inside else None
        member = PackedFile(name, inside(path, name), place.size, budget, opener=opener)
        yield member
        member.close()


def _places(stream: IO[bytes], path: str) -> Iterator[Place]:
    if isinstance(stream, BytesIO):
        with Cursor.of(stream.getvalue(), path) as cursor:
            yield from places(cursor)
    else:
        with Cursor.open(stream.name) as cursor:
            yield from places(cursor)
