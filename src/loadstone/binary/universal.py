"""Universal ("fat") files: where in the file the image for each architecture lies.

Source: mach-o/fat.h, fat_header, fat_arch and fat_arch_64. Java class files begin with the same magic; they are told
apart before anything gets here.
"""

from __future__ import annotations

import platform
from itertools import pairwise
from struct import Struct
from typing import Final

from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.macho.layout import architecture
from loadstone.core.image import Slice

__all__ = ["slices"]

# cpu, subtype, offset, size, alignment (and a reserved word in the wide one)
_LAYOUTS: Final = {
    b"\xca\xfe\xba\xbe": Struct(">iiIII"),
    b"\xca\xfe\xba\xbf": Struct(">iiQQI4x"),
    b"\xbe\xba\xfe\xca": Struct("<iiIII"),
    b"\xbf\xba\xfe\xca": Struct("<iiQQI4x"),
}
_HEADER_SIZE: Final = 8
_MAX_SLICES: Final = 64
_MAX_ALIGNMENT: Final = 20  # as a power of two; dyld takes 2^15 at most, link editors write 2^14

_OWN: Final = {
    "arm64": ("arm64", "arm64e"),
    "aarch64": ("arm64", "arm64e"),
    "x86_64": ("x86_64", "x86_64h"),
    "AMD64": ("x86_64", "x86_64h"),
    "i386": ("i386",),
    "i686": ("i386",),
}
"""Architectures a processor runs, best first, by the words operating systems have for it."""


def slices(cursor: Cursor, damage: DamageLog, *, own_first: bool = False) -> tuple[Slice, ...]:
    """The slices that lie inside the file, in file order, or with the one for this processor before the others.

    Raises:
        MalformedImage: no universal magic, or the header is cut off.
    """
    start = cursor.start
    layout = _LAYOUTS.get(cursor.upto(start, 4))
    if layout is None:
        raise cursor.malformed("no universal magic", start)
    if layout.format[:1] == "<":
        damage.add("universal header", "written in the byte order no loader accepts", start, fatal=True)
    count = int.from_bytes(cursor.bytes(start + 4, 4), "little" if layout.format[:1] == "<" else "big")
    if count > _MAX_SLICES:
        damage.add("universal header", f"{count} slices, {_MAX_SLICES} are allowed", start + 4, fatal=True)
    table = cursor.upto(start + _HEADER_SIZE, min(count, _MAX_SLICES) * layout.size)
    if len(table) < min(count, _MAX_SLICES) * layout.size:
        damage.add("universal header", f"cut off: {count} slices do not fit", start + _HEADER_SIZE, fatal=True)
    rows = layout.iter_unpack(table[: len(table) - len(table) % layout.size])
    found = [
        _slice(cursor, damage, row, start + _HEADER_SIZE + number * layout.size, _HEADER_SIZE + len(table))
        for number, row in enumerate(rows)
    ]
    good = [one for one in found if one is not None]
    _apart(damage, good)
    if own_first:
        own = _OWN.get(platform.machine(), ())
        good.sort(key=lambda one: own.index(one.architecture) if one.architecture in own else len(own))
    return tuple(good)


def _slice(
    cursor: Cursor, damage: DamageLog, row: tuple[int, int, int, int, int], told_at: int, head: int
) -> Slice | None:
    cpu, subtype, offset, size, alignment = row
    name = architecture(cpu, subtype)
    if offset < head or cursor.start + offset + size > cursor.end:
        said = f"the slice for {name}, {size} bytes at {offset:#x}, does not lie behind the header and in the file"
        damage.add("universal header", said, told_at, fatal=True)
        return None
    if alignment > _MAX_ALIGNMENT or offset % (1 << alignment):
        damage.add("universal header", f"the slice for {name} is not aligned to 2^{alignment}", told_at, fatal=True)
    return Slice(name, cursor.start + offset, size)


def _apart(damage: DamageLog, found: list[Slice]) -> None:
    ordered = sorted(found, key=lambda one: one.offset)
    for before, after in pairwise(ordered):
        if after.offset < before.offset + before.size:
            said = f"the slices for {before.architecture} and {after.architecture} overlap"
            damage.add("universal header", said, after.offset, fatal=True)
    names = [one.architecture for one in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        damage.add("universal header", f"more than one slice for {name}", 0, fatal=True)
