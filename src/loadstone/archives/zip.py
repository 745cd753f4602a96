"""The ZIP family: wheels, jars, conda packages of the second format, Android and Windows packages, plain archives."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Final

from loadstone.archives import tar
from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.member import PackedFile, Reader, inside, plain_name
from loadstone.errors import MalformedImage, Unreadable
from loadstone.files import open_regular

__all__ = ["conda_members", "members"]

_PIECE: Final = 1 << 20
_ENCRYPTED: Final = 0x1
_MAX_LINK: Final = 4096
_LOCAL_HEADER: Final = 30
_SIZES: Final = 26  # where it has those of the name and of the extra field that follow it
_DAMAGE: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


_Writer = Callable[[IO[bytes]], None]


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
            member.again = _again(stream, info, member.path, budget)
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


def _again(
    stream: IO[bytes], info: zipfile.ZipInfo, place: str, budget: UnpackBudget
) -> Callable[[IO[bytes]], None] | None:
    """How to read a member once the archive is closed; None for one within another archive, or packed in a rare way."""
    file = getattr(stream, "name", None)
    if not isinstance(file, str) or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return None
    return partial(_reread, os.path.abspath(file), info, place, budget)


def _reread(file: str, info: zipfile.ZipInfo, place: str, budget: UnpackBudget, out: IO[bytes]) -> None:
    """One member of a file, by the offset its directory gives; held to the size and the checksum it gives as well."""
    budget.check_member(place, info.file_size)
    budget.check_ratio(info.compress_size, info.file_size)
    size = checksum = 0
    for piece in _pieces(file, info, place):
        size, checksum = size + len(piece), zlib.crc32(piece, checksum)
        if size > info.file_size:
            break
        out.write(piece)
    if (size, checksum) != (info.file_size, info.CRC):
        raise MalformedImage(what="damaged archive: size or checksum differ", offset=info.header_offset, path=place)
    budget.spend(size)


def _pieces(file: str, info: zipfile.ZipInfo, place: str) -> Iterator[bytes]:
    """The content of one member of a file, in pieces of bounded size."""
    try:
        with open(file, "rb", opener=open_regular) as stream:
            stream.seek(info.header_offset)
            header = stream.read(_LOCAL_HEADER)
            if len(header) < _LOCAL_HEADER:
                raise MalformedImage(what="damaged archive: a header is cut off", offset=info.header_offset, path=place)
            name_size, extra_size = struct.unpack_from("<HH", header, _SIZES)
            stream.seek(name_size + extra_size, os.SEEK_CUR)
            yield from _unpacked(stream, info)
    except OSError as error:
        raise Unreadable(path=file, reason=error.strerror or str(error), code=error.errno) from error
    except zlib.error as error:
        raise MalformedImage(what=f"damaged archive: {error}", offset=info.header_offset, path=place) from error


def _unpacked(stream: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a member from where it begins, in pieces of bounded size."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS) if info.compress_type == zipfile.ZIP_DEFLATED else None
    left = info.compress_size
    while left and not (inflate and inflate.eof):
        packed = stream.read(min(left, _PIECE))
        if not packed:
            return
        left -= len(packed)
        if inflate is None:
            yield packed
            continue
        while packed:
            yield inflate.decompress(packed, _PIECE)
            packed = inflate.unconsumed_tail
    if inflate is not None:
        yield inflate.flush()  # of a match that did not fit: all that was packed is in


def conda_members(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files of a conda package of the second format: a ZIP archive that holds the content as a packed tar."""
    for outer in members(stream, path, budget):
        if outer.name.startswith("pkg-") and ".tar" in outer.name and outer.opener is not None:
            yield from tar.members(outer.opener(), path, budget)
