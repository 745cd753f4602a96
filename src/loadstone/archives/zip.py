"""The ZIP family: wheels, jars, conda packages of the second format, Android and Windows packages, plain archives."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Final

from loadstone.archives import tar
from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.member import PackedFile, Reader, inside, plain_name
from loadstone.errors import MalformedImage, Unreadable

__all__ = ["conda_members", "members"]

_ENCRYPTED: Final = 0x1
_MAX_LINK: Final = 4096
_DAMAGE: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class _Content:
    """The content of one member; errors of the container in our words."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str, budget: UnpackBudget) -> None:
        self._path, self._budget, self._packed, self._unpacked = path, budget, info.compress_size, 0
        if info.flag_bits & _ENCRYPTED:
            raise Unreadable(path=path, reason="it is encrypted", advice="decrypt the archive first")
        try:
            self._stream = archive.open(info)
        except _DAMAGE as error:
            raise MalformedImage(what=f"damaged archive: {error}", offset=info.header_offset, path=path) from error

    def read(self, size: int, /) -> bytes:
        try:
            piece = self._stream.read(size)
        except (*_DAMAGE, OSError) as error:
            raise MalformedImage(what=f"damaged archive: {error}", path=self._path) from error
        self._unpacked += len(piece)
        self._budget.check_ratio(self._packed, self._unpacked)
        return piece


def members(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files of a ZIP archive in the order of its directory; of equal names the last, which unpacking leaves."""
    try:
        archive = zipfile.ZipFile(stream)
    except _DAMAGE as error:
        raise MalformedImage(what=f"not a ZIP archive: {error}", path=path) from error
    with archive:
        last = {info.filename: info for info in archive.infolist()}
        for info in last.values():
            budget.count()
            name = plain_name(info.filename)
            if info.is_dir() or not name:
                continue
            member = _member(archive, info, name, path, budget)
            yield member
            member.close()


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, path: str, budget: UnpackBudget) -> PackedFile:
    place, mode = inside(path, name), info.external_attr >> 16

    def opened() -> Reader:
        return _Content(archive, info, place, budget)

    if stat.S_ISLNK(mode) and info.file_size <= _MAX_LINK:
        link = opened().read(_MAX_LINK).decode("utf-8", "surrogateescape")
        return PackedFile(name, place, 0, budget, link=link, mode=stat.S_IMODE(mode))
    return PackedFile(name, place, info.file_size, budget, mode=stat.S_IMODE(mode), opener=opened)


def conda_members(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files of a conda package of the second format: a ZIP archive that holds the content as a packed tar."""
    for outer in members(stream, path, budget):
        if outer.name.startswith("pkg-") and ".tar" in outer.name and outer.opener is not None:
            yield from tar.members(outer.opener(), path, budget)
