"""AppImages: a program, and behind it the image of a file system that it mounts.

Sources: AppImage specification, draft, "Image format", types 1 and 2; elf(5) for where the program ends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO, Final

from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.member import PackedFile
from loadstone.archives.squashfs import MAGIC, members_at
from loadstone.errors import MalformedImage, Unsupported
from loadstone.shell import quoted_path

__all__ = ["members"]

_OTHERS: Final = {b"DWARFS": "DwarFS"}
_SECTIONS_32, _SECTIONS_64 = (32, "I", 46), (40, "Q", 58)
"""Of an ELF header: where the place of the section table stands, its form, and where its size stands."""


def members(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files and links of an AppImage of type 2. Raises Unsupported for any other file system than SquashFS."""
    head = stream.read(64)
    if head[10] == 1:
        raise _not_read(path, "its files are in an ISO 9660 image (it is of type 1)", f"bsdtar -xf {quoted_path(path)}")
    begins = _end_of_program(head, path)
    stream.seek(begins)
    found = stream.read(6)
    if not found:
        raise MalformedImage(what="an AppImage that ends before its files", offset=begins, path=path)
    if not found.startswith(MAGIC):
        other = _OTHERS.get(found)
        said = f"its files are in {other}" if other else "no SquashFS is behind its program"
        raise _not_read(path, said, f"{quoted_path(path)} --appimage-extract, then ask about squashfs-root")
    return members_at(stream, begins, path, budget)


def _end_of_program(head: bytes, path: str) -> int:
    """Where the table of sections ends, which is the last thing of the program."""
    at, form, counts = _SECTIONS_64 if head[4] == 2 else _SECTIONS_32
    order = ">" if head[5] == 2 else "<"
    try:
        (table,) = struct.unpack_from(order + form, head, at)
        size, count = struct.unpack_from(f"{order}HH", head, counts)
    except struct.error as error:
        raise MalformedImage(what="an AppImage that is cut off", offset=len(head), path=path) from error
    return int(table + size * count)


def _not_read(path: str, reason: str, unpack: str) -> Unsupported:
    return Unsupported(feature=f"looking into the AppImage {path}", reason=reason, advice=f"unpack it: {unpack}")
