"""Where a library keeps the addresses of functions it imports: the slots a guarded heap rewrites. x86-64 ELF."""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import Final

from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.image import Image

__all__ = ["import_slots"]

# gABI chapter 5 (tags) and the x86-64 psABI section 4.4 (relocation types).
_TABLES: Final = ((23, 2), (7, 8))  # (DT_JMPREL, DT_PLTRELSZ), (DT_RELA, DT_RELASZ)
_SLOT_TYPES: Final = frozenset({1, 6, 7})  # R_X86_64_64, GLOB_DAT, JUMP_SLOT
_ENTRY = struct.Struct("<QQq")
_MAX_ENTRIES: Final = 1 << 20


def import_slots(image: Image, content: bytes, names: Collection[str]) -> tuple[tuple[str, int], ...]:
    """(name, virtual address) of every slot that receives one of ``names``; none where the machine is another."""
    if image.machine.name != "x86-64" or not isinstance(image.native, ElfFacts):
        return ()
    found: dict[int, str] = {}
    for address_tag, size_tag in _TABLES:
        address, size = image.native.dynamic.value(address_tag), image.native.dynamic.value(size_tag) or 0
        offset = _offset(image, address)
        if offset is None:
            continue
        size = min(size, len(content) - offset, _MAX_ENTRIES * _ENTRY.size)
        for slot, info, _ in _ENTRY.iter_unpack(content[offset : offset + size // _ENTRY.size * _ENTRY.size]):
            symbol = info >> 32
            if info & 0xFFFFFFFF in _SLOT_TYPES and 0 < symbol < len(image.symbols):
                name = image.symbols.names[symbol]
                if name in names:
                    found[slot] = name
    return tuple((name, slot) for slot, name in sorted(found.items()))


def _offset(image: Image, address: int | None) -> int | None:
    if address is None:
        return None
    for s in image.segments:
        if s.kind == "LOAD" and s.address <= address < s.address + s.file_size:
            return s.offset + address - s.address
    return None
