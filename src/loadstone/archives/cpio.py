"""RPM packages: a lead, two headers, and a packed cpio archive of the files.

Sources: Linux Standard Base Core, "Package File Format" (RPM version 3, which version 4 still writes); cpio(5), "New
ASCII Format"; rpm's own "stripped" variant for large files names members by their number.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import IO, Final

from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.compression import decompressed
from loadstone.archives.member import PackedFile, Reader, exactly, inside, plain_name
from loadstone.archives.tar import Skipping
from loadstone.errors import MalformedImage, Unsupported

__all__ = ["cpio_members", "rpm_members"]

_LEAD: Final = 96
_INTRO: Final = 16  # of a header: magic, version, 4 reserved, number of entries, bytes of their values
_INTRO_MAGIC: Final = b"\x8e\xad\xe8"
_MAX_STORE: Final = 256 << 20
_NEW, _CHECKED, _STRIPPED = b"070701", b"070702", b"07070X"
_HEADER: Final = 104  # after the magic: 13 fields of 8 hexadecimal digits
_MAX_NAME: Final = 4096
_TRAILER: Final = "TRAILER!!!"


def rpm_members(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files an RPM package installs."""
    stream.seek(_LEAD)
    signature = _skip_header(stream, path)
    stream.seek(-signature % 8, 1)
    _skip_header(stream, path)
    return cpio_members(decompressed(stream, budget), path, budget)


def _skip_header(stream: IO[bytes], path: str) -> int:
    """Pass one header; its length."""
    intro = stream.read(_INTRO)
    if len(intro) < _INTRO or not intro.startswith(_INTRO_MAGIC):
        raise MalformedImage(what="no RPM header where one must be", offset=stream.tell(), path=path)
    entries, store = int.from_bytes(intro[8:12], "big"), int.from_bytes(intro[12:16], "big")
    length = entries * 16 + store
    if length > _MAX_STORE:
        raise MalformedImage(what=f"an RPM header of {length} bytes", offset=stream.tell(), path=path)
    stream.seek(length, 1)
    return _INTRO + length


def cpio_members(stream: Reader, path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files and links of a cpio archive in the new ASCII format."""
    position = 0
    while True:
        magic = exactly(stream, 6)
        if magic == _STRIPPED:
            raise Unsupported(feature="an RPM with files beyond 4 GB", reason="its cpio archive has no names")
        if magic not in (_NEW, _CHECKED):
            raise MalformedImage(what="no cpio header where one must be", offset=position, path=path)
        fields = _fields(exactly(stream, _HEADER), path, position)
        mode, size, name_size = fields[1], fields[6], fields[11]
        if not 0 < name_size <= _MAX_NAME:
            raise MalformedImage(what=f"a name of {name_size} bytes", offset=position, path=path)
        raw = exactly(stream, name_size)
        Skipping(stream, -(6 + _HEADER + name_size) % 4).skip()
        name = raw.rstrip(b"\0").decode("utf-8", "surrogateescape")
        if name == _TRAILER:
            return
        content = Skipping(stream, size)
        member = _member(plain_name(name), mode, size, content, path, budget)
        if member is not None:
            budget.count()
            yield member
            member.close()
        if not content.skip() or not Skipping(stream, -size % 4).skip():
            raise MalformedImage(what="the archive ends within a member", offset=position, path=path)
        position += 6 + _HEADER + name_size + size


def _member(name: str, mode: int, size: int, content: Skipping, path: str, budget: UnpackBudget) -> PackedFile | None:
    place, permissions = inside(path, name), stat.S_IMODE(mode)
    if stat.S_ISLNK(mode) and size <= _MAX_NAME:
        link = exactly(content, size).decode("utf-8", "surrogateescape")
        return PackedFile(name, place, 0, budget, link=link, mode=permissions)
    if not stat.S_ISREG(mode) or not name:
        return None
    return PackedFile(name, place, size, budget, mode=permissions, opener=lambda: content)


def _fields(text: bytes, path: str, position: int) -> list[int]:
    try:
        return [int(text[at : at + 8], 16) for at in range(0, _HEADER, 8)]
    except ValueError as error:
        raise MalformedImage(what="a cpio header without a number", offset=position, path=path) from error
