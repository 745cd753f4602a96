"""Section headers: a second opinion, and the home of a few things loaders never see (debuglink, comment).

Source: gABI chapter 4 "Sections". Nothing else in the reader depends on them; a file without any is read in full.
"""

from __future__ import annotations

from typing import Final

from loadstone.binary.elf.header import Header
from loadstone.binary.elf.strings import StringTable
from loadstone.binary.elf.view import View
from loadstone.core.image import Section
from loadstone.core.limits import MAX_HEADER_TABLE

__all__ = ["read_comments", "read_debug_link", "read_sections"]

_SHN_XINDEX: Final = 0xFFFF

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


def read_sections(view: View, header: Header) -> tuple[Section, ...]:
    """The sections in file order; damage to them is recorded, never fatal."""
    layout, cursor, damage = view.layout, view.cursor, view.damage
    if not header.section_offset:
        return ()
    entry_size = layout.section.size
    start = cursor.start + header.section_offset
    first = cursor.upto(start, entry_size)
    if len(first) < entry_size:
        damage.add("section headers", "lie beyond the end of the file", start)
        return ()
    if header.section_size != entry_size:
        damage.add("section headers", f"entries of {header.section_size} bytes", cursor.start)
        return ()
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
    texts, unnamed = names.column([row[0] for row in rows])
    found = []
    at = start
    for text, (_, kind, flags, address, offset, size, *_) in zip(texts, rows, strict=True):
        word = _KINDS.get(kind) or f"{kind:#x}"
        found.append(Section(text, word, _FLAGS[flags & 7], cursor.start + offset, size, address, at))
        at += entry_size
    if unnamed:
        damage.add("section headers", f"{unnamed} names lie outside the section name table", start)
    return tuple(found)


def read_debug_link(view: View, sections: tuple[Section, ...]) -> str | None:
    """The file name in ``.gnu_debuglink``: where the separated debug information is."""
    section = next((s for s in sections if s.name == ".gnu_debuglink"), None)
    if section is None:
        return None
    name, zero, _ = view.cursor.upto(section.offset, min(section.size, 4096)).partition(b"\0")
    if not zero:
        view.damage.add(".gnu_debuglink", "its file name has no end", section.offset)
        return None
    return name.decode("utf-8", "surrogateescape")


def read_comments(view: View, sections: tuple[Section, ...]) -> tuple[str, ...]:
    """The strings of ``.comment``: which compilers and link editors took part."""
    section = next((s for s in sections if s.name == ".comment"), None)
    if section is None:
        return ()
    data = view.cursor.upto(section.offset, min(section.size, _MAX_COMMENT))
    return tuple(dict.fromkeys(part.decode("utf-8", "surrogateescape") for part in data.split(b"\0") if part))
