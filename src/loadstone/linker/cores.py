"""A core dump: which program died, which libraries it had, and whether the same ones are here.

Sources: elf.h and core(5); the Linux kernel's fs/binfmt_elf.c for NT_FILE and NT_PRPSINFO, read for their layout. The
build-id is read from the pages of the dump, where the kernel writes the first one of each mapped ELF file.
"""

from __future__ import annotations

import os
import posixpath
import struct
from collections.abc import Iterator
from typing import Final

from loadstone.binary import read
from loadstone.binary.cursor import Cursor
from loadstone.binary.elf.core import NT_FILE, NT_PRPSINFO, FileMapping, command_line, mapped_files
from loadstone.core.image import Image
from loadstone.errors import LoadstoneError, MalformedImage
from loadstone.linker.processes import LoadedFile, LoadedReport, MappedState
from loadstone.quick_dataclass import dataclass

__all__ = ["loaded_in_core"]

_CORE: Final = 4
_LOAD, _NOTE = 1, 4
_BUILD_ID: Final = 3
_MAX_SEGMENTS: Final = 65_535
_MAX_NOTES: Final = 64 << 20
_FIRST_PAGE: Final = 4096


@dataclass(frozen=True, slots=True)
class _Segment:
    kind: int
    offset: int
    address: int
    size: int


def loaded_in_core(path: str) -> LoadedReport:
    """The program and the libraries of a 64-bit core dump of Linux, compared with the files of this machine.

    Raises:
        Unreadable: it cannot be read.
        MalformedImage: it is no core dump of that kind, or contradicts itself.
    """
    with Cursor.open(path) as cursor:
        order = _order(cursor)
        segments = list(_segments(cursor, order))
        command = ""
        mapped: list[FileMapping] = []
        for segment in segments:
            for kind, content in _notes(cursor, segment, order):
                if kind == NT_PRPSINFO and not command:
                    command = command_line(content)
                elif kind == NT_FILE:
                    mapped = list(mapped_files(content, order))
        files = tuple(_files(cursor, segments, mapped, order))
    program = files[0].path if files else command
    said = [f"its command line begins: {command}"] if command else []
    if not mapped:
        said.append("the dump does not say which files were mapped (no NT_FILE note)")
    return LoadedReport(process=0, program=program, files=files, assumptions=tuple(said))


def _order(cursor: Cursor) -> str:
    head = cursor.upto(0, 64)
    if len(head) < 64 or head[:5] != b"\x7fELF\2" or head[5] not in (1, 2):
        raise MalformedImage(what="not a core dump of a 64-bit process", path=cursor.path)
    order = "<" if head[5] == 1 else ">"
    if struct.unpack_from(f"{order}H", head, 16)[0] != _CORE:
        raise MalformedImage(what="not a core dump (its type is another)", offset=16, path=cursor.path)
    return order


def _segments(cursor: Cursor, order: str) -> Iterator[_Segment]:
    start, count = (
        struct.unpack(f"{order}Q", cursor.bytes(32, 8))[0],
        struct.unpack(f"{order}H", cursor.bytes(56, 2))[0],
    )
    if count > _MAX_SEGMENTS:
        raise MalformedImage(what=f"{count} program headers", offset=56, path=cursor.path)
    for number in range(count):
        kind, _, offset, address, _, size = struct.unpack(f"{order}IIQQQQ", cursor.bytes(start + number * 56, 40))
        yield _Segment(kind, offset, address, size)


def _notes(cursor: Cursor, segment: _Segment, order: str) -> Iterator[tuple[int, bytes]]:
    if segment.kind != _NOTE:
        return
    data = cursor.upto(segment.offset, min(segment.size, _MAX_NOTES))
    position = 0
    while position + 12 <= len(data):
        name_size, size, kind = struct.unpack_from(f"{order}III", data, position)
        content = position + 12 + -(-name_size // 4) * 4
        yield kind, data[content : content + size]
        position = content + -(-size // 4) * 4


def _files(cursor: Cursor, segments: list[_Segment], mapped: list[FileMapping], order: str) -> Iterator[LoadedFile]:
    seen: set[str] = set()
    for address, path in ((one.address, one.path) for one in mapped if not one.page):
        if path in seen:
            continue
        seen.add(path)
        first = _page(cursor, segments, address)
        if first and first[:4] != b"\x7fELF":  # data that was mapped: a locale, a cache
            continue
        dumped = _build_id(cursor, segments, address, first, order)
        here = _here(path)
        if not first and (here is None and os.path.exists(path)):
            continue
        states = _states(path, here, dumped)
        rule = "program" if len(seen) == 1 else "mapped"
        yield LoadedFile(
            path=path,
            address=address,
            rule=rule,
            asked_by="",
            identity=here.identity if here else posixpath.basename(path),
            build_id=dumped or (here.build_id if here else None),
            states=states,
        )


def _states(path: str, here: Image | None, dumped: str | None) -> tuple[MappedState, ...]:
    if here is None and not os.path.exists(path):
        return (MappedState.MISSING,)
    if here is not None and dumped and here.build_id and here.build_id != dumped:
        return (MappedState.OTHER_BUILD,)
    return ()


def _here(path: str) -> Image | None:
    try:
        return read(path)
    except (OSError, LoadstoneError):
        return None


def _page(cursor: Cursor, segments: list[_Segment], address: int, size: int = _FIRST_PAGE) -> bytes:
    """What the dump holds of memory at an address; nothing where it was left out."""
    for segment in segments:
        inside = address - segment.address
        if segment.kind == _LOAD and 0 <= inside < segment.size:
            return cursor.upto(segment.offset + inside, min(size, segment.size - inside))
    return b""


def _build_id(cursor: Cursor, segments: list[_Segment], base: int, head: bytes, order: str) -> str | None:
    """The GNU build-id in the dumped pages of a 64-bit ELF file."""
    if len(head) < 64 or head[4] != 2:
        return None
    start, count = struct.unpack_from(f"{order}Q", head, 32)[0], struct.unpack_from(f"{order}H", head, 56)[0]
    headers = [
        struct.unpack_from(f"{order}IIQQQQ", head, start + number * 56)
        for number in range(min(count, 64))
        if start + number * 56 + 56 <= len(head)
    ]
    for kind, _, _, address, _, size in headers:
        first = next((a for k, _, _, a, _, _ in headers if k == _LOAD), 0)
        if kind == _NOTE and size <= _FIRST_PAGE:
            data = _page(cursor, segments, base + address - first, size)
            found = _of_notes(data, order)
            if found:
                return found
    return None


def _of_notes(data: bytes, order: str) -> str | None:
    position = 0
    while position + 16 <= len(data):
        name_size, size, kind = struct.unpack_from(f"{order}III", data, position)
        content = position + 12 + -(-name_size // 4) * 4
        if kind == _BUILD_ID and data[position + 12 : position + 16] == b"GNU\0" and content + size <= len(data):
            return data[content : content + size].hex()
        position = content + -(-size // 4) * 4
    return None
