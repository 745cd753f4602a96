"""One ELF file while it is read: its bytes, its layout, its segments, and the way from addresses to offsets."""

from __future__ import annotations

from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.elf.layout import ElfLayout
from loadstone.core.image import Segment
from loadstone.core.limits import MAX_TABLE_SIZE

__all__ = ["ElfView"]


class ElfView:
    """What every part of the reader shares. Addresses are translated as loaders do, through PT_LOAD and p_filesz."""

    __slots__ = ("_loads", "cursor", "damage", "layout", "machine")

    def __init__(self, cursor: Cursor, damage: DamageLog, layout: ElfLayout, machine: int) -> None:
        self.cursor = cursor
        self.damage = damage
        self.layout = layout
        self.machine = machine
        self._loads: list[tuple[int, int, int]] = []

    def map(self, segments: tuple[Segment, ...]) -> None:
        """Take the PT_LOAD segments as the way from addresses to offsets."""
        self._loads = [(s.address, s.address + s.file_size, s.offset) for s in segments if s.kind == "LOAD"]

    def place(self, address: int) -> tuple[int, int] | None:
        """The file offset of an address and how many bytes of its segment follow there; None when nothing is."""
        for first, last, offset in self._loads:
            if first <= address < last:
                return offset + address - first, last - address
        return None

    def table(self, name: str, address: int, size: int | None, told_at: int) -> tuple[int, bytes]:
        """The bytes of a table the dynamic section points to, cut to what is there, and their offset in the file.

        ``size`` None takes everything to the end of the segment. ``told_at`` is where the file says so.
        """
        found = self.place(address)
        if found is None:
            if size != 0:
                self.damage.add(name, f"address {address:#x} is in no loaded part of the file", told_at, fatal=True)
            return 0, b""
        offset, room = found
        wanted = room if size is None else size
        data = self.cursor.upto(offset, min(wanted, room, MAX_TABLE_SIZE))
        if size is not None and len(data) < size:
            self.damage.add(name, f"{size} bytes are said to be there, {len(data)} are", offset, fatal=True)
        return offset, data
