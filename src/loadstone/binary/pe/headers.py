"""The headers of a PE file: where everything else is.

Source: "PE Format", sections "COFF File Header" to "Section Table".

What is missing or cut off here leaves no image to speak of and raises; what is merely wrong is recorded as damage.
"""

from __future__ import annotations

import base64
import binascii
from itertools import pairwise
from typing import Final

from loadstone.binary.budget import ReadBudget
from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.pe.facts import DataDirectory
from loadstone.binary.pe.layout import (
    COFF_HEADER,
    DOS_MAGIC,
    LFANEW,
    MAX_SECTIONS,
    NT_SIGNATURE,
    OPTIONAL_HEADERS,
    SECTION_HEADER,
    SYMBOL_SIZE,
    DirectoryIndex,
)
from loadstone.errors import MalformedImage
from loadstone.quick_dataclass import dataclass

__all__ = ["Headers", "SectionHeader", "read_headers", "read_sections"]

_DIRECTORY_NAMES: Final = tuple(d.name.lower().replace("_", " ") for d in DirectoryIndex)
_BOUNDED: Final = frozenset(
    {DirectoryIndex.EXCEPTION, DirectoryIndex.CERTIFICATE, DirectoryIndex.RELOCATION, DirectoryIndex.DEBUG}
)
"""Tables without an end of their own."""

_SMALLEST: Final = {
    DirectoryIndex.EXPORT: 40,
    DirectoryIndex.IMPORT: 20,
    DirectoryIndex.TLS: 24,
    DirectoryIndex.LOAD_CONFIG: 64,
    DirectoryIndex.DELAY_IMPORT: 32,
    DirectoryIndex.CLR: 72,
}
"""Bytes of the one record each of these must have."""

_ITEMS_A_SECTION: Final = 24  # header, segment, section and names

_SECTOR: Final = 0x200  # the loader rounds PointerToRawData down to this
_PAGE: Final = 0x1000


@dataclass(frozen=True, slots=True)
class Headers:
    """COFF and optional header, and the data directories; ``offset`` is that of the NT signature."""

    offset: int
    machine: int
    section_count: int
    timestamp: int
    symbols_offset: int
    symbol_count: int
    optional_size: int
    characteristics: int
    bits: int
    link_editor_version: tuple[int, int]
    entry_point: int
    image_base: int
    section_alignment: int
    file_alignment: int
    system_version: tuple[int, int]
    image_version: tuple[int, int]
    subsystem_version: tuple[int, int]
    image_size: int
    headers_size: int
    checksum: int
    subsystem: int
    dll_characteristics: int
    directories: tuple[DataDirectory, ...]

    @property
    def optional_offset(self) -> int:
        return self.offset + len(NT_SIGNATURE) + COFF_HEADER.size

    @property
    def characteristics_offset(self) -> int:
        return self.optional_offset - 2

    @property
    def checksum_offset(self) -> int:
        return self.optional_offset + 64  # the same in both kinds

    @property
    def dll_characteristics_offset(self) -> int:
        return self.optional_offset + 70  # the same in both kinds

    def directory(self, which: DirectoryIndex) -> DataDirectory | None:
        """The data directory, or None where the header is too short for it or leaves it empty.

        Most tables end by themselves, so that the loader asks for their address only; those it needs the size of are
        in ``_BOUNDED``.
        """
        if which >= len(self.directories):
            return None
        found = self.directories[which]
        return found if found.address and (found.size or which not in _BOUNDED) else None


@dataclass(frozen=True, slots=True)
class SectionHeader:
    """One row of the section table. ``offset`` and ``mapped`` say which bytes of the file the loader maps there."""

    name: str
    address: int
    virtual_size: int
    raw_offset: int
    raw_size: int
    flags: int
    offset: int
    mapped: int
    header_offset: int

    @property
    def reach(self) -> int:
        """The first address behind it, by the larger of its two sizes."""
        return self.address + max(self.virtual_size, self.raw_size)


def read_headers(cursor: Cursor, damage: DamageLog) -> Headers:
    """COFF header, optional header and data directories.

    Raises:
        MalformedImage: no DOS or NT signature, or a header cut off, or of no known magic.
    """
    start = cursor.start
    if cursor.upto(start, 2) != DOS_MAGIC:
        raise cursor.malformed("no DOS signature (MZ)", start)
    offset = start + int.from_bytes(cursor.bytes(start + LFANEW, 4), "little")
    if cursor.upto(offset, 4) != NT_SIGNATURE:
        raise cursor.malformed("no PE signature where the DOS header points", offset)
    coff = offset + len(NT_SIGNATURE)
    machine, sections, timestamp, symbols, symbol_count, optional_size, flags = cursor.unpack(COFF_HEADER, coff)
    optional = coff + COFF_HEADER.size
    magic = int.from_bytes(cursor.bytes(optional, 2), "little")
    if magic not in OPTIONAL_HEADERS:
        raise cursor.malformed(f"an optional header of unknown magic {magic:#x}", optional)
    bits, layout = OPTIONAL_HEADERS[magic]
    f = cursor.unpack(layout, optional)
    if optional_size < layout.size:
        damage.add("optional header", f"said to be {optional_size} bytes, of {layout.size} it must have", optional - 4)
    return Headers(
        offset=offset,
        machine=machine,
        section_count=sections,
        timestamp=timestamp,
        symbols_offset=symbols,
        symbol_count=symbol_count,
        optional_size=optional_size,
        characteristics=flags,
        bits=bits,
        link_editor_version=(f[1], f[2]),
        entry_point=f[6],
        image_base=f[8],
        section_alignment=f[9],
        file_alignment=f[10],
        system_version=(f[11], f[12]),
        image_version=(f[13], f[14]),
        subsystem_version=(f[15], f[16]),
        image_size=f[18],
        headers_size=f[19],
        checksum=f[20],
        subsystem=f[21],
        dll_characteristics=f[22],
        directories=_directories(cursor, damage, optional + layout.size, f[28], optional_size - layout.size),
    )


def _directories(cursor: Cursor, damage: DamageLog, offset: int, count: int, room: int) -> tuple[DataDirectory, ...]:
    if count > 16:
        damage.add("data directories", f"{count} are said to be there, the format has 16", offset - 4)
    fit = min(count, 16)
    if fit > room // 8:  # the loader reads them all the same
        damage.add("data directories", f"{count} do not fit the optional header", offset - 4)
    data = cursor.upto(offset, 8 * fit)
    found = tuple(
        DataDirectory(
            name,
            int.from_bytes(data[at : at + 4], "little"),
            int.from_bytes(data[at + 4 : at + 8], "little"),
            offset + at,
        )
        for name, at in zip((*_DIRECTORY_NAMES, "reserved"), range(0, len(data) - 7, 8), strict=False)
    )
    for which, smallest in _SMALLEST.items():
        if which < len(found) and found[which].address and found[which].size < smallest:
            said = f"{found[which].name}: {found[which].size} bytes, where one record has {smallest}; no loader minds"
            damage.add("data directories", said, found[which].entry_offset + 4)
    return found


def read_sections(cursor: Cursor, damage: DamageLog, headers: Headers) -> tuple[SectionHeader, ...]:
    """The section table, cut to what the file holds."""
    table = headers.optional_offset + headers.optional_size
    count = headers.section_count
    if count > MAX_SECTIONS:
        damage.add("section table", f"{count} sections, Windows XP loads at most {MAX_SECTIONS}", headers.offset + 6)
    fit = max(ReadBudget(cursor.size).items_left // _ITEMS_A_SECTION, MAX_SECTIONS)
    if count > fit:
        damage.add("section table", f"of {count} sections {fit} are read, as many as say something", headers.offset + 6)
        count = fit
    data = cursor.upto(table, count * SECTION_HEADER.size)
    if len(data) < count * SECTION_HEADER.size:
        damage.add("section table", f"cut off: {count} sections do not fit the file", table, fatal=True)
        data = data[: len(data) - len(data) % SECTION_HEADER.size]
    rows = [
        _section(cursor, damage, headers, row, table + number * SECTION_HEADER.size)
        for number, row in enumerate(SECTION_HEADER.iter_unpack(data))
    ]
    _in_order(damage, rows)
    return tuple(rows)


def _section(
    cursor: Cursor,
    damage: DamageLog,
    headers: Headers,
    row: tuple[bytes, int, int, int, int, int, int, int, int, int],
    at: int,
) -> SectionHeader:
    name, virtual_size, address, raw_size, raw, *_, flags = row
    text = _long_name(cursor, damage, headers, name.partition(b"\0")[0], at)
    begin, held = cursor.start + raw, raw_size
    if headers.section_alignment >= _PAGE:  # whole sectors are mapped, from the one it begins in to the one it ends in
        begin, held = begin - raw % _SECTOR, _rounded(raw_size + raw % _SECTOR, _SECTOR)
    wanted = min(held, _rounded(virtual_size or raw_size, _PAGE)) if raw else 0
    mapped = max(min(wanted, cursor.end - begin), 0)
    if mapped < min(raw_size, virtual_size or raw_size) and raw:
        damage.add("section", f"{text}: {raw_size} bytes are said to be at {raw:#x}, {mapped} are", at + 16, fatal=True)
    return SectionHeader(text, address, virtual_size, cursor.start + raw, raw_size, flags, begin, mapped, at)


def _rounded(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _in_order(damage: DamageLog, rows: list[SectionHeader]) -> None:
    for before, after in pairwise(rows):
        if after.address < before.address + (before.virtual_size or before.raw_size):
            damage.add("section table", f"{after.name} overlaps the section before it", after.header_offset, fatal=True)


def _long_name(cursor: Cursor, damage: DamageLog, headers: Headers, name: bytes, at: int) -> str:
    """The name, or the one in the COFF string table that ``/123`` (decimal) or ``//AAAB`` (base 64) points to."""
    short = name.decode("utf-8", "surrogateescape")
    if not name.startswith(b"/") or len(name) < 2 or not headers.symbols_offset:
        return short
    position = _position(name)
    if position is None:
        return short
    table = cursor.start + headers.symbols_offset + SYMBOL_SIZE * headers.symbol_count
    size = int.from_bytes(cursor.upto(table, 4), "little")
    if size < 4 or position < 4 or position >= size:
        damage.add("section name", f"{short} points outside the string table of {size} bytes", at)
        return short
    try:
        return cursor.string(table + position, min(size - position, 4096))
    except MalformedImage as error:
        damage.add("section name", f"{short}: {error.what}", at)
        return short


def _position(name: bytes) -> int | None:
    digits = name[1:]
    if digits.startswith(b"/"):
        try:
            return int.from_bytes(base64.b64decode(b"AA" + digits[1:].rjust(6, b"A"), validate=True), "big")
        except binascii.Error:
            return None
    return int(digits) if digits.isdigit() else None
