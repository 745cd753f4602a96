"""Section headers: a second opinion, and the home of a few things loaders never see (debuglink, comment).

Source: gABI chapter 4 "Sections". Nothing else in the reader depends on them; a file without any is read in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, overload

from loadstone.binary.elf.header import Header
from loadstone.binary.elf.view import ElfView
from loadstone.binary.strings import StringTable
from loadstone.core.image import Section, Segment
from loadstone.core.limits import MAX_HEADER_TABLE, MAX_NAME_LENGTH

__all__ = ["SectionTable", "read_comments", "read_debug_link", "read_sections"]

_SHN_XINDEX: Final = 0xFFFF
_SHT_NOBITS: Final = 8
_SHT_NULL: Final = 0
_SHT_NOTE: Final = 7
_SHF_ALLOC: Final = 2
_SHF_EXECINSTR: Final = 4

_KINDS: Final = {
    0: "NULL",
    1: "PROGBITS",
    2: "SYMTAB",
    3: "STRTAB",
    4: "RELA",
    5: "HASH",
    6: "DYNAMIC",
    7: "NOTE",
    8: "NOBITS",
    9: "REL",
    11: "DYNSYM",
    14: "INIT_ARRAY",
    15: "FINI_ARRAY",
    16: "PREINIT_ARRAY",
    17: "GROUP",
    18: "SYMTAB_SHNDX",
    19: "RELR",
    0x6FFFFFF6: "GNU_HASH",
    0x6FFFFFFD: "VERDEF",
    0x6FFFFFFE: "VERNEED",
    0x6FFFFFFF: "VERSYM",
}

_MAX_COMMENT: Final = 1 << 14


_FLAGS: Final = tuple(
    ("r" if bits & 2 else "-") + ("w" if bits & 1 else "-") + ("x" if bits & 4 else "-") for bits in range(8)
)
"""By SHF_WRITE, SHF_ALLOC and SHF_EXECINSTR: what is allocated can be read. The same three letters as segments have."""


class SectionTable(Sequence[Section]):
    """The sections in file order, kept as the rows of the table; :class:`Section` values are made on demand."""

    __slots__ = ("_made", "_names", "_offset", "_rows", "_size", "_start")

    def __init__(self, rows: Sequence[tuple[int, ...]], names: StringTable, offset: int, size: int, start: int) -> None:
        self._rows = rows
        self._names = names
        self._offset = offset  # of the first row, in the file
        self._size = size  # of a row
        self._start = start  # of the image in the file
        self._made: tuple[Section, ...] | None = None

    @property
    def _sections(self) -> tuple[Section, ...]:
        if self._made is None:
            texts, _ = self._names.column([row[0] for row in self._rows])
            self._made = tuple(
                Section(
                    name=text,
                    kind=_KINDS.get(kind) or f"{kind:#x}",
                    flags=_FLAGS[flags & 7],
                    offset=self._start + offset,
                    size=size,
                    address=address,
                    header_offset=self._offset + position * self._size,
                )
                for position, (text, (_, kind, flags, address, offset, size, *_)) in enumerate(
                    zip(texts, self._rows, strict=True)
                )
            )
        return self._made

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Section: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Section, ...]: ...
    def __getitem__(self, index: int | slice) -> Section | tuple[Section, ...]:
        return self._sections[index]

    def __iter__(self) -> Iterator[Section]:
        return iter(self._sections)

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (self._sections,)

    @property
    def unnamed(self) -> int:
        """How many have a name outside the table of names."""
        end = len(self._names)
        return sum(row[0] >= end for row in self._rows)

    def debug_only(self, segments: Sequence[Segment], entry: int) -> bool:
        """Whether code was left out and debug information kept, as ``objcopy --only-keep-debug`` does.

        The sections must say that everything loaded but notes has no bytes, and the segments that loaders read instead
        must bring no code into memory: none at all, bytes that belong to sections which are not loaded, or headers and
        notes alone, which end before the entry point and every section with code.
        """
        loaded = [row for row in self._rows if row[2] & _SHF_ALLOC and row[1] != _SHT_NOTE]
        if any(row[1] != _SHT_NOBITS for row in loaded) or not any(row[2] & _SHF_EXECINSTR for row in loaded):
            return False
        if not any(section.name.startswith((".debug_", ".zdebug_", ".symtab", ".gnu_debug")) for section in self):
            return False
        kept = [
            (self._start + row[4], self._start + row[4] + row[5])
            for row in self._rows
            if row[1] not in (_SHT_NULL, _SHT_NOBITS) and not row[2] & _SHF_ALLOC
        ]
        starts = [row[3] for row in loaded if row[2] & _SHF_EXECINSTR] + [entry] * bool(entry)
        return not any(
            any(s.address <= start < s.address + s.file_size for start in starts)
            and not any(begin < s.offset + s.file_size and s.offset < end for begin, end in kept)
            for s in segments
            if s.kind == "LOAD" and s.flags[2] == "x"
        )

    def spans_of_kind(self, kind: int) -> list[tuple[int, int, int]]:
        """Offset, size and alignment of every section of that ``sh_type``."""
        return [(self._start + row[4], row[5], row[8]) for row in self._rows if row[1] == kind]

    def named(self, name: str) -> Section | None:
        """The first section of that name."""
        return next((section for section in self._sections if section.name == name), None)

    def span(self, name: bytes) -> tuple[int, int] | None:
        """Offset and size of the first section of that name, found without making any."""
        at = self._names.find(name)
        row = next((row for row in self._rows if row[0] == at), None) if at >= 0 else None
        return (self._start + row[4], row[5]) if row else None

    def span_of_kind(self, kind: int) -> tuple[int, int] | None:
        """Offset and size of the first section of that ``sh_type``."""
        row = next((row for row in self._rows if row[1] == kind), None)
        return (self._start + row[4], row[5]) if row else None

    def spans_with_linked(self, kind: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Offset and size of the first section of that ``sh_type``, and of the section its ``sh_link`` names."""
        row = next((row for row in self._rows if row[1] == kind), None)
        if row is None or row[6] >= len(self._rows):
            return None
        linked = self._rows[row[6]]
        return (self._start + row[4], row[5]), (self._start + linked[4], linked[5])


_NONE: Final = SectionTable((), StringTable(), 0, 0, 0)


def read_sections(view: ElfView, header: Header) -> SectionTable:
    """The section headers; damage to them is recorded, never fatal."""
    layout, cursor, damage = view.layout, view.cursor, view.damage
    if not header.section_offset:
        return _NONE
    entry_size = layout.section.size
    start = cursor.start + header.section_offset
    first = cursor.upto(start, entry_size)
    if len(first) < entry_size:
        damage.add("section headers", "lie beyond the end of the file", start)
        return _NONE
    if header.section_size != entry_size:
        damage.add("section headers", f"entries of {header.section_size} bytes", cursor.start)
        return _NONE
    zero = layout.section.unpack(first)
    count = header.section_count or zero[5]
    names_section = zero[6] if header.names_section == _SHN_XINDEX else header.names_section
    if count > MAX_HEADER_TABLE:
        damage.add("section headers", f"{count} entries are more than {MAX_HEADER_TABLE}", start)
        count = MAX_HEADER_TABLE
    data = cursor.upto(start, count * entry_size)
    if len(data) < count * entry_size:
        damage.add("section headers", f"{count} entries are said to be here, the file ends before", start)
        data = data[: len(data) - len(data) % entry_size]
    rows = list(layout.section.iter_unpack(data))
    names = StringTable()
    if 0 < names_section < len(rows):
        _, _, _, _, offset, size, *_ = rows[names_section]
        names = StringTable(cursor.upto(cursor.start + offset, size), cursor.start + offset)
    table = SectionTable(rows, names, start, entry_size, cursor.start)
    if table.unnamed:
        damage.add("section headers", f"{table.unnamed} names lie outside the section name table", start)
    return table


def read_debug_link(view: ElfView, sections: SectionTable) -> str | None:
    """The file name in ``.gnu_debuglink``: where the separate debug information is."""
    found = sections.span(b".gnu_debuglink")
    if found is None:
        return None
    name, zero, _ = view.cursor.upto(found[0], min(found[1], MAX_NAME_LENGTH)).partition(b"\0")
    if not zero:
        view.damage.add(".gnu_debuglink", "its file name is not terminated", found[0])
        return None
    return name.decode("utf-8", "surrogateescape")


def read_comments(view: ElfView, sections: SectionTable) -> tuple[str, ...]:
    """The strings of ``.comment``: which compilers and link editors took part."""
    found = sections.span(b".comment")
    if found is None:
        return ()
    data = view.cursor.upto(found[0], min(found[1], _MAX_COMMENT))
    return tuple(dict.fromkeys(part.decode("utf-8", "surrogateescape") for part in data.split(b"\0") if part))
