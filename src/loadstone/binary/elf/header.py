"""The ELF header and the program headers. Sources: gABI chapter 4 "ELF Header", chapter 5 "Program Header"; elf(5)."""

from __future__ import annotations

from typing import Final

from loadstone.binary.cursor import Cursor
from loadstone.binary.elf.layout import LAYOUTS, ElfLayout
from loadstone.binary.elf.view import PAGE, ElfView
from loadstone.core.image import Segment
from loadstone.core.limits import MAX_HEADER_TABLE
from loadstone.quick_dataclass import dataclass

__all__ = ["IDENT_SIZE", "Header", "read_header", "read_segments"]

IDENT_SIZE: Final = 16

_PN_XNUM: Final = 0xFFFF  # the real count is in sh_info of section 0
_PT_NULL: Final = 0  # says nothing: what a packer or a tool took out
_PT_LOAD: Final = 1
_PT_INTERP: Final = 3
_ET_EXEC: Final = 2
_ET_DYN: Final = 3

_SEGMENT_KINDS: Final = {
    0: "NULL",
    _PT_LOAD: "LOAD",
    2: "DYNAMIC",
    3: "INTERP",
    4: "NOTE",
    5: "SHLIB",
    6: "PHDR",
    7: "TLS",
    0x6474E550: "GNU_EH_FRAME",
    0x6474E551: "GNU_STACK",
    0x6474E552: "GNU_RELRO",
    0x6474E553: "GNU_PROPERTY",
}

_FLAGS: Final = tuple(
    ("r" if bits & 4 else "-") + ("w" if bits & 2 else "-") + ("x" if bits & 1 else "-") for bits in range(8)
)


@dataclass(frozen=True, slots=True)
class Header:
    """The ELF header, offsets counted from the beginning of the image as the file has them."""

    layout: ElfLayout
    ident: bytes
    type: int
    machine: int
    version: int
    entry: int
    program_offset: int
    section_offset: int
    flags: int
    size: int
    program_size: int
    program_count: int
    section_size: int
    section_count: int
    names_section: int


def read_header(cursor: Cursor) -> Header:
    """The header; :class:`MalformedImage` when it is cut off or of no known class or byte order.

    The kernel and musl read neither EI_CLASS nor EI_DATA: each reads its own class and order. So where the layout that
    these name makes no sense, and another does, that is the one. Sources: Linux fs/binfmt_elf.c load_elf_binary, musl
    ldso/dynlink.c map_library.
    """
    ident = cursor.bytes(cursor.start, IDENT_SIZE)
    named = LAYOUTS.get((ident[4], ident[5]))
    least = min(one.header.size for one in LAYOUTS.values()) if named is None else named.header.size
    if cursor.size < IDENT_SIZE + least:
        raise cursor.malformed(f"an ELF header cut off: the file has only {cursor.size} bytes", cursor.end)
    header = None if named is None else _header_as(cursor, ident, named)
    if header is not None and header.program_count and header.program_size == header.layout.program.size:
        return header
    others = (_header_as(cursor, ident, layout) for layout in LAYOUTS.values() if layout is not named)
    meant = next((one for one in others if one is not None and _is_loadable(one)), header)
    if meant is None:
        raise cursor.malformed(f"an ELF file of unknown class {ident[4]} or byte order {ident[5]}", cursor.start + 4)
    return meant


def _header_as(cursor: Cursor, ident: bytes, layout: ElfLayout) -> Header | None:
    """The header in one layout; None when the file is too short for it."""
    if cursor.size < IDENT_SIZE + layout.header.size:
        return None
    return Header(layout, ident, *cursor.unpack(layout.header, cursor.start + IDENT_SIZE))


def _is_loadable(header: Header) -> bool:
    """Whether a kernel or loader of that layout would take it: no other layout passes by chance."""
    return (
        header.type in (_ET_EXEC, _ET_DYN)
        and header.program_size == header.layout.program.size
        and 0 < header.program_count < _PN_XNUM
    )


def _program_count(view: ElfView, header: Header) -> int:
    if header.program_count != _PN_XNUM or not header.section_offset:
        return header.program_count
    first = view.cursor.upto(view.cursor.start + header.section_offset, view.layout.section.size)
    if len(first) < view.layout.section.size:
        return header.program_count
    return int(view.layout.section.unpack(first)[7])


def read_segments(view: ElfView, header: Header) -> tuple[Segment, ...]:
    """The program headers in file order, whatever of them is there; cut or impossible ones are recorded."""
    layout, cursor, damage = view.layout, view.cursor, view.damage
    count, entry_size = _program_count(view, header), layout.program.size
    if not count:
        return ()
    start = cursor.start + header.program_offset
    if header.program_size != entry_size:
        damage.add("program headers", f"entries of {header.program_size} bytes", cursor.start + IDENT_SIZE, fatal=True)
    if count > MAX_HEADER_TABLE:
        damage.add("program headers", f"{count} entries are more than {MAX_HEADER_TABLE}", start, fatal=True)
        count = MAX_HEADER_TABLE
    data = cursor.upto(start, count * entry_size)
    if len(data) < count * entry_size:
        damage.add("program headers", f"{count} entries are said to be here, the file ends before", start, fatal=True)
        data = data[: len(data) - len(data) % entry_size]
    segments = []
    wide = layout.bits == 64
    program = header.type == _ET_EXEC or any(row[0] == _PT_INTERP for row in layout.program.iter_unpack(data))
    for position, fields in enumerate(layout.program.iter_unpack(data)):
        if wide:
            kind, flags, offset, address, _, file_size, memory_size, alignment = fields
        else:
            kind, offset, address, _, file_size, memory_size, flags, alignment = fields
        at = start + position * entry_size
        offset += cursor.start
        end = offset + file_size
        if end > cursor.end and file_size and kind != _PT_NULL:
            said = f"ends at {end:#x}, {end - cursor.end} bytes beyond the end of the file"
            whole_page = cursor.end - (cursor.end - cursor.start) % -PAGE  # zeros follow in the file's last page
            damage.add(f"segment {position}", said, at, fatal=kind == _PT_LOAD and end > whole_page)
        if kind == _PT_LOAD and file_size > memory_size:
            said = "is larger in the file than in memory: the kernel starts no such program, libraries are loaded"
            damage.add(f"segment {position}", said, at, fatal=program)
        name = _SEGMENT_KINDS.get(kind) or f"{kind:#x}"
        segments.append(Segment(name, _FLAGS[flags & 7], offset, file_size, address, memory_size, alignment, at))
    return tuple(segments)
