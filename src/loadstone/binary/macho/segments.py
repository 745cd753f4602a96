"""Segments and their sections. Source: mach-o/loader.h, segment_command and section."""

from __future__ import annotations

from typing import Final

from loadstone.binary.macho.layout import SECTION_KINDS, LoadCommandKind
from loadstone.binary.macho.view import MachoView, RawCommand
from loadstone.core.image import Section, Segment

__all__ = ["read_segments"]

_FLAGS: Final = tuple(
    ("r" if bits & 1 else "-") + ("w" if bits & 2 else "-") + ("x" if bits & 4 else "-") for bits in range(8)
)
_ITEMS_A_SECTION: Final = 8  # header, name, and what it describes
_CODE_ATTRIBUTES: Final = 0x8000_0400  # S_ATTR_PURE_INSTRUCTIONS, S_ATTR_SOME_INSTRUCTIONS
_EMPTY_KINDS: Final = frozenset({0x1, 0xC, 0x12})  # zerofill: no bytes in the file


def read_segments(view: MachoView) -> None:
    """Fill in the view's segments and sections."""
    segments: list[Segment] = []
    sections: list[Section] = []
    head = view.layout.command.size + view.layout.segment.size
    wanted = LoadCommandKind.SEGMENT_64 if view.layout.bits == 64 else LoadCommandKind.SEGMENT
    for command in view.all(LoadCommandKind.SEGMENT, LoadCommandKind.SEGMENT_64):
        if command.number != wanted or len(command.data) < head:
            view.damage.add("segment", "a segment command of the wrong width, or cut off", command.offset, fatal=True)
            continue
        fields = view.layout.segment.unpack_from(command.data, view.layout.command.size)
        segment = _segment(view, command, fields)
        segments.append(segment)
        sections += _sections(view, command, head, fields[7], segment)
    view.segments = tuple(segments)
    view.sections = tuple(sections)


def _segment(
    view: MachoView, command: RawCommand, fields: tuple[bytes, int, int, int, int, int, int, int, int]
) -> Segment:
    name, address, memory_size, offset, file_size, _, protection, _, _ = fields
    place = view.cursor.start + offset
    there = max(min(file_size, view.cursor.end - place), 0)
    text = _text(name)
    if there < file_size:
        said = f"{text}: {file_size} bytes are said to be at {offset:#x}, {there} are"
        view.damage.add("segment", said, command.offset, fatal=True)
    if file_size > memory_size and (memory_size or protection):  # else it is not mapped: __LLVM, Go's __DWARF
        said = f"{text}: {file_size} bytes in the file do not fit {memory_size} in memory"
        view.damage.add("segment", said, command.offset, fatal=True)
    if protection & ~7:
        view.damage.add("segment", f"{text}: protection {protection & 0xFFFF_FFFF:#x}", command.offset, fatal=True)
    return Segment(
        kind=text,
        flags=_FLAGS[protection & 7],
        offset=place,
        file_size=there,
        address=address,
        memory_size=memory_size,
        alignment=0,
        header_offset=command.offset,
    )


def _sections(view: MachoView, command: RawCommand, head: int, count: int, segment: Segment) -> list[Section]:
    row = view.layout.section
    room = min((len(command.data) - head) // row.size, view.budget.items_left // _ITEMS_A_SECTION)
    if count > room:
        said = f"{segment.kind}: {count} sections, there is room for {room}"
        view.damage.add("section", said, command.offset, fatal=True)
    view.budget.items(_ITEMS_A_SECTION * min(count, room))
    sections = []
    for number in range(min(count, room)):
        at = head + number * row.size
        name, owner, address, size, offset, _, _, _, flags, *_ = row.unpack_from(command.data, at)
        kind = flags & 0xFF
        empty = kind in _EMPTY_KINDS
        label = f"{_text(owner)},{_text(name)}"
        place = view.cursor.start + offset
        if not empty and size and offset and place + size > view.cursor.end:
            view.damage.add("section", f"{label} reaches behind the end of the file", command.offset + at, fatal=True)
        code = bool(flags & _CODE_ATTRIBUTES)
        sections.append(
            Section(
                name=label,
                kind=SECTION_KINDS.get(kind, f"kind {kind:#x}"),
                flags=segment.flags if code else segment.flags.replace("x", "-"),
                offset=0 if empty else place,
                size=size,
                address=address,
                header_offset=command.offset + at,
            )
        )
    return sections


def _text(name: bytes) -> str:
    return name.partition(b"\0")[0].decode("utf-8", "surrogateescape")
