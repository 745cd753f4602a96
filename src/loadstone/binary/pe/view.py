"""One PE file while it is read: its bytes, its headers, its sections, and the way from addresses to offsets."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Any, Final

from loadstone.binary.budget import ReadBudget
from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.pe.headers import Headers, SectionHeader
from loadstone.binary.pe.layout import BOOT_SUBSYSTEMS, DirectoryIndex, SectionFlags, runtime_system
from loadstone.binary.strings import StringTable
from loadstone.core.limits import MAX_NAME_LENGTH, MAX_STRING_LENGTH, MAX_TABLE_SIZE
from loadstone.errors import MalformedImage

__all__ = ["PeView", "integers"]

_PAGE: Final = 0x1000

_SPREAD: Final = 512
"""Names of one table stand close together; up to so many bytes a name they are fetched as one block."""


def integers(code: str, data: bytes) -> array[int]:
    """``data`` as little-endian integers of that array code; a rest is left out."""
    column: array[int] = array(code)
    column.frombytes(data[: len(data) - len(data) % column.itemsize])
    if sys.byteorder == "big":
        column.byteswap()
    return column


class PeView:
    """What every part of the reader shares. Addresses are relative to the image base, as the format counts them."""

    __slots__ = ("_as_it_is", "_sections", "_starts", "budget", "cursor", "damage", "headers", "sections")

    def __init__(
        self, cursor: Cursor, damage: DamageLog, headers: Headers, sections: tuple[SectionHeader, ...]
    ) -> None:
        self.cursor: Cursor = cursor
        self.damage: DamageLog = damage
        self.headers: Headers = headers
        self.sections: tuple[SectionHeader, ...] = sections
        self.budget: ReadBudget = ReadBudget(cursor.size)
        # Windows maps such a file as it is, whatever its sections say; firmware and .NET on other systems do not
        others = headers.subsystem in BOOT_SUBSYSTEMS or bool(runtime_system(headers.machine))
        self._as_it_is = headers.section_alignment < _PAGE and not others
        self._sections = sorted(sections, key=lambda s: s.address)
        self._starts = [s.address for s in self._sections]

    @property
    def word(self) -> int:
        """Bytes of an address: 4 or 8."""
        return self.headers.bits // 8

    def place(self, address: int) -> tuple[int, int] | None:
        """The file offset of an address and how many bytes of its section follow there; None when nothing is."""
        if self._as_it_is:
            room = self.cursor.size - address
            return (self.cursor.start + address, room) if address >= 0 and room > 0 else None
        position = bisect_right(self._starts, address) - 1
        if position >= 0:
            section = self._sections[position]
            inside = address - section.address
            if inside < section.mapped:
                return section.offset + inside, section.mapped - inside
        headers = min(self.headers.headers_size, self.cursor.size)
        return (self.cursor.start + address, headers - address) if 0 <= address < headers else None

    def relative(self, pointer: int) -> int:
        """The relative address of a virtual one."""
        return pointer - self.headers.image_base

    def executable(self, addresses: Iterable[int]) -> list[bool]:
        """Whether each address lies in a section that can be executed."""
        edges: list[int] = []  # where such a part begins, ends, begins ...
        for section in self._sections:
            if section.flags & SectionFlags.EXECUTE:
                del edges[bisect_right(edges, section.address) & ~1 :]
                edges += (section.address, section.reach)
        return [bool(bisect_right(edges, address) & 1) for address in addresses]

    def directory(self, which: DirectoryIndex) -> tuple[int, bytes] | None:
        """Offset and bytes of a data directory, cut to what is there; None when the image has none."""
        entry = self.headers.directory(which)
        if entry is None:
            return None
        return self.table(entry.name, entry.address, entry.size or MAX_NAME_LENGTH, entry.entry_offset)

    def table(self, name: str, address: int, size: int, told_at: int) -> tuple[int, bytes] | None:
        """Offset and bytes of a table, cut to what is there; ``told_at`` is where the file says so."""
        found = self.place(address)
        if found is None:
            self.damage.add(name, f"address {address:#x} is in no part of the file", told_at)
            return None
        offset, room = found
        data = self.cursor.upto(offset, min(size, room, MAX_TABLE_SIZE))
        if len(data) < size:
            self.damage.add(name, f"{size} bytes are said to be there, {len(data)} are", offset)
        return offset, data

    def record(self, name: str, layout: Struct, address: int, told_at: int) -> tuple[int, tuple[Any, ...]] | None:
        """Offset and fields of one record, or None with the damage recorded when it is not all there."""
        found = self.table(name, address, layout.size, told_at)
        if found is None or len(found[1]) < layout.size:
            return None
        return found[0], layout.unpack(found[1])

    def text(self, name: str, address: int, told_at: int) -> str | None:
        """The NUL-terminated string at an address; None with the damage recorded when there is none."""
        found = self.place(address)
        if found is None:
            self.damage.add(name, f"its name at {address:#x} is in no part of the file", told_at)
            return None
        offset, room = found
        try:
            text = self.cursor.string(offset, min(room, self._longest()))
        except MalformedImage as error:
            if room > self._longest():
                self.damage.add(name, error.what, error.offset)
                return None
            text = self.cursor.upto(offset, room).decode("utf-8", "surrogateescape")  # zeros follow in memory
        self.budget.characters(len(text))
        return text

    def texts(self, name: str, addresses: Sequence[int], told_at: int) -> Sequence[str]:
        """The strings at many addresses, fetched together where they stand close; an empty one where there is none."""
        if not addresses:
            return ()
        if not self.budget.characters_left:
            self.damage.add(name, "more text than a file of this size can hold", told_at)
            return [""] * len(addresses)
        first, last = min(addresses), max(addresses)
        found = self.place(first)
        if found is None or last - first > _SPREAD * len(addresses) + MAX_STRING_LENGTH or last - first >= found[1]:
            return [self.text(name, address, told_at) or "" for address in addresses]
        block = self.cursor.upto(found[0], min(found[1], last - first + MAX_STRING_LENGTH))
        if len(block) == found[1]:  # zeros follow in memory
            block += b"\0"
        block = block[: block.find(b"\0", last - first) + 1 or None]
        texts, missing = StringTable(block, found[0]).column([address - first for address in addresses])
        if missing:
            self.damage.add(name, f"{missing} names are not terminated, or exceed what the file can hold", told_at)
        self.budget.characters(sum(map(len, texts)))
        return texts

    def _longest(self) -> int:
        """What one more string may take: when a file has had more text read than it can hold, nothing."""
        return min(MAX_STRING_LENGTH, self.budget.characters_left)
