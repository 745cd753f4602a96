"""One ELF file while it is read: its bytes, its layout, its segments, and the way from addresses to offsets.

Addresses lead to bytes as in the memory a loader makes. It maps whole pages, a later segment over an earlier one, and
clears what a segment has more in memory than in the file; so bytes around a segment are in memory too, and names may be
kept there. Sources: glibc elf/dl-map-segments.h, musl ldso/dynlink.c map_library, Linux fs/binfmt_elf.c.
"""

from __future__ import annotations

from typing import Final

from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.elf.layout import ElfLayout
from loadstone.core.image import Segment
from loadstone.core.limits import MAX_TABLE_SIZE

__all__ = ["PAGE", "ElfView"]

PAGE: Final = 4096
"""The smallest page of any processor Linux runs on: what is in memory with these is in memory with larger ones."""


class ElfView:
    """What every part of the reader shares."""

    __slots__ = ("_loads", "cursor", "damage", "layout", "machine")

    def __init__(self, cursor: Cursor, damage: DamageLog, layout: ElfLayout, machine: int) -> None:
        self.cursor: Cursor = cursor
        self.damage: DamageLog = damage
        self.layout: ElfLayout = layout
        self.machine: int = machine
        self._loads: list[tuple[int, int, int]] = []

    def map(self, segments: tuple[Segment, ...]) -> None:
        """Take the PT_LOAD segments as the way from addresses to offsets, the one mapped last first."""
        alone = [self._mapped(s) for s in reversed(segments) if s.kind == "LOAD" and s.file_size]
        self._loads = [(first, _continued(last, offset - first, alone), offset) for first, last, offset in alone]

    def _mapped(self, segment: Segment) -> tuple[int, int, int]:
        """First address, end and offset of the file's bytes that a segment brings into memory."""
        before = segment.address % PAGE
        end = segment.address + segment.file_size
        if (segment.offset - self.cursor.start) % PAGE != before:  # no system can map this
            return segment.address, end, segment.offset
        if segment.memory_size <= segment.file_size or "w" not in segment.flags:  # musl clears only what is writable
            end += -end % PAGE
        return segment.address - before, end, segment.offset - before

    def place(self, address: int) -> tuple[int, int] | None:
        """The file offset of an address, and how many bytes follow it there as in memory; None where nothing is."""
        for first, last, offset in self._loads:
            if first <= address < last:
                return offset + address - first, max(min(last - address, self.cursor.end - offset - address + first), 0)
        return None

    def table(
        self,
        name: str,
        address: int,
        size: int | None,
        told_at: int,
        *,
        bounding: bool = True,
        used: bool = True,
    ) -> tuple[int, bytes]:
        """The bytes of a table the dynamic section points to, cut to what is there, and their offset in the file.

        ``size`` None takes everything to the end of the segment. ``told_at`` is where the file says so. ``bounding``
        is False when loaders never read that size, ``used`` when they leave out the table, so that they do not mind a
        wrong one.
        """
        found = self.place(address)
        if found is None:
            if size != 0:
                self.damage.add(name, f"address {address:#x} is in no loaded part of the file", told_at, fatal=used)
            return 0, b""
        offset, room = found
        wanted = room if size is None else size
        data = self.cursor.upto(offset, min(wanted, room, MAX_TABLE_SIZE))
        if size is not None and len(data) < size:
            self.damage.add(
                name, f"{size} bytes are said to be there, {len(data)} are", offset, fatal=bounding and used
            )
        return offset, data


def _continued(last: int, distance: int, loads: list[tuple[int, int, int]]) -> int:
    """Where a segment ends together with those behind it that go on, in memory as in the file, where it stops.

    patchelf puts a table that grew in front of a program and lets it run on into the next segment.
    """
    for _ in loads:
        beyond = next((end for first, end, offset in loads if first <= last < end and offset - first == distance), None)
        if beyond is None:
            break
        last = beyond
    return last
