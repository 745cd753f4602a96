"""A core dump: which program died, which libraries it had, and whether the same ones are here.

Sources: elf.h and core(5); the Linux kernel's fs/binfmt_elf.c for NT_FILE and NT_PRPSINFO, read for their layout. The
build-id is read from the pages of the dump, where the kernel writes the first one of each mapped ELF file.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from typing import Final

from loadstone.binary import read
from loadstone.binary.cursor import Cursor
from loadstone.binary.elf.core import NT_FILE, NT_PRPSINFO, FileMapping, command_line, mapped_files
from loadstone.binary.elf.layout import LAYOUTS, ElfLayout
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
_LEAST_HEADER: Final = 52
_NARROW: Final = 32


@dataclass(frozen=True, slots=True)
class _Segment:
    kind: int
    offset: int
    address: int
    size: int


def loaded_in_core(path: str) -> LoadedReport:
    """The program and the libraries of a core dump of Linux, compared with the files of this machine.

    Raises:
        Unreadable: it cannot be read.
        MalformedImage: it is no core dump of that kind, or contradicts itself.
    """
    with Cursor.open(path) as cursor:
        layout = _layout(cursor)
        segments = list(_segments(cursor, layout))
        command = ""
        mapped: list[FileMapping] = []
        for segment in segments:
            for kind, content in _notes(cursor, segment, layout):
                if kind == NT_PRPSINFO and not command:
                    command = command_line(content)
                elif kind == NT_FILE:
                    mapped = list(mapped_files(content, layout.header.format[0], layout.word))
        files = tuple(_files(cursor, segments, mapped))
    program = files[0].path if files else command
    said = [f"its command line begins: {command}"] if command else []
    if not mapped:
        said.append("the dump does not say which files were mapped (no NT_FILE note)")
    return LoadedReport(process=0, program=program, files=files, assumptions=tuple(said))


def _layout(cursor: Cursor) -> ElfLayout:
    head = cursor.upto(0, 64)
    layout = LAYOUTS.get((head[4], head[5])) if len(head) >= _LEAST_HEADER and head[:4] == b"\x7fELF" else None
    if layout is None:
        raise MalformedImage(what="not a core dump of Linux", path=cursor.path)
    if layout.integers("H", head[16:18])[0] != _CORE:
        raise MalformedImage(what="not a core dump (its type is another)", offset=16, path=cursor.path)
    return layout


def _segments(cursor: Cursor, layout: ElfLayout) -> Iterator[_Segment]:
    header = layout.header.unpack(cursor.bytes(16, layout.header.size))
    start, count = header[4], header[9]
    if count > _MAX_SEGMENTS:
        raise MalformedImage(what=f"{count} program headers", offset=16, path=cursor.path)
    for number in range(count):
        row = cursor.bytes(start + number * layout.program.size, layout.program.size)
        yield _segment(layout, row)


def _segment(layout: ElfLayout, row: bytes) -> _Segment:
    """One program header; in a file of 32 bits the flags stand elsewhere."""
    kind, *fields = layout.program.unpack(row)
    offset, address, _, size = fields[:4] if layout.bits == _NARROW else fields[1:5]
    return _Segment(kind, offset, address, size)


def _notes(cursor: Cursor, segment: _Segment, layout: ElfLayout) -> Iterator[tuple[int, bytes]]:
    if segment.kind != _NOTE:
        return
    data = cursor.upto(segment.offset, min(segment.size, _MAX_NOTES))
    position = 0
    while position + 12 <= len(data):
        name_size, size, kind = layout.note.unpack_from(data, position)
        content = position + 12 + -(-name_size // 4) * 4
        yield kind, data[content : content + size]
        position = content + -(-size // 4) * 4


def _files(cursor: Cursor, segments: list[_Segment], mapped: list[FileMapping]) -> Iterator[LoadedFile]:
    seen: set[str] = set()
    for address, path in ((one.address, one.path) for one in mapped if not one.page):
        if path in seen:
            continue
        seen.add(path)
        first = _page(cursor, segments, address)
        if first and first[:4] != b"\x7fELF":  # data that was mapped: a locale, a cache
            continue
        dumped = _build_id(cursor, segments, address, first)
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


def _build_id(cursor: Cursor, segments: list[_Segment], base: int, head: bytes) -> str | None:
    """The GNU build-id in the dumped pages of an ELF file."""
    layout = LAYOUTS.get((head[4], head[5])) if len(head) >= _LEAST_HEADER else None
    if layout is None or len(head) < 16 + layout.header.size:
        return None
    fields = layout.header.unpack_from(head, 16)
    start, size = fields[4], layout.program.size
    places = (start + number * size for number in range(min(fields[9], 64)))
    headers = [_segment(layout, head[at : at + size]) for at in places if at + size <= len(head)]
    first = next((header.address for header in headers if header.kind == _LOAD), 0)
    for header in headers:
        if header.kind == _NOTE and header.size <= _FIRST_PAGE:
            data = _page(cursor, segments, base + header.address - first, header.size)
            found = _of_notes(data, layout)
            if found:
                return found
    return None


def _of_notes(data: bytes, layout: ElfLayout) -> str | None:
    position = 0
    while position + 16 <= len(data):
        name_size, size, kind = layout.note.unpack_from(data, position)
        content = position + 12 + -(-name_size // 4) * 4
        if kind == _BUILD_ID and data[position + 12 : position + 16] == b"GNU\0" and content + size <= len(data):
            return data[content : content + size].hex()
        position = content + -(-size // 4) * 4
    return None
