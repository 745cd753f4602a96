"""Bytes of a library's data that belong to no object: what alignment left free behind one."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from loadstone.core.image import Image, Section
from loadstone.core.symbols import ImageSymbol, SymbolBinding, SymbolKind

__all__ = ["global_gaps"]

_PLAIN: Final = (".data", ".bss", ".rodata")
"""Data that no loader changes; a suffix may follow (``.data.page_aligned``), but not that of relocated constants."""
_WIDEST: Final = 63
"""Compilers align objects to 64 bytes at most; more behind one is an object that has no symbol."""
_CONSTANT: Final = 16
_MOST: Final = 4096
_PAGE: Final = mmap.PAGESIZE


def global_gaps(image: Image, content: bytes, symbols: Iterable[ImageSymbol]) -> tuple[tuple[str, int, int], ...]:
    """(object before it, virtual address, size) of every gap; none for a stripped library, whose objects nobody knows.

    ``symbols`` are the link editor's, local ones included. Padding is zeros in the file; where there is anything else
    lies a constant or a text that has no symbol. Behind an object without a size nothing is known to be free, and an
    object of the compiler's start files (crtstuff.c) is nobody's to overflow: every library has one.
    """
    if image.machine.name != "x86-64":
        return ()
    objects: dict[int, tuple[int, str]] = {}
    file = ""  # local symbols follow the name of their source file (gABI, symbol table, STT_FILE)
    for symbol in symbols:
        if symbol.kind is SymbolKind.FILE:
            file = symbol.name
        if symbol.defined and symbol.kind in (SymbolKind.OBJECT, SymbolKind.UNTYPED, SymbolKind.FUNCTION):
            is_own = symbol.binding is not SymbolBinding.LOCAL or not file.startswith("crt")
            end = (symbol.value + symbol.size, symbol.name if is_own else "")
            objects[symbol.value] = max(objects.get(symbol.value, (0, "")), end)
    found = (gap for section in image.sections if _is_plain(section) for gap in _within(image, section, objects))
    cut = ((name, address, _padding(image, content, address, size)) for name, address, size in found)
    return tuple(gap for gap in cut if gap[2])[:_MOST]


def _is_plain(section: Section) -> bool:
    name = section.name
    return section.address > 0 and name.startswith(_PLAIN) and ".rel.ro" not in name and ".str" not in name


def _within(image: Image, section: Section, objects: dict[int, tuple[int, str]]) -> Iterable[tuple[str, int, int]]:
    """The gaps of one section, the one behind it included."""
    end_of_section = section.address + section.size
    behind = [s.address for s in image.sections if s.address >= end_of_section]
    starts = sorted(start for start in objects if section.address <= start < end_of_section)
    page_end = -(-end_of_section // _PAGE) * _PAGE
    reach = 0
    for start, beyond in pairwise([*starts, min(behind, default=page_end)]):
        end, name = objects[start]
        reach = max(reach, end)
        last = beyond == page_end and not behind  # nobody's, up to there
        following = min(beyond, end + _WIDEST) if last else beyond
        if name and start < end == reach and 0 < following - end <= _WIDEST:
            yield name, end, following - end


def _padding(image: Image, content: bytes, address: int, size: int) -> int:
    """How many of ``size`` bytes are padding: zeros in the file, up to where a constant may begin, or nothing there.

    What lies behind the last byte of a segment in the file is zero in memory. A constant may begin with zeros, but not
    within 16 bytes that it shares with padding: so wide the widest are aligned.
    """
    for s in image.segments:
        if s.kind == "LOAD" and s.address <= address < s.address + s.file_size:
            at = s.offset + address - s.address
            seen = content[at : min(at + size, s.offset + s.file_size)]
            zeros = len(seen) - len(seen.lstrip(b"\0"))
            return size if zeros == len(seen) else max(0, (address + zeros) // _CONSTANT * _CONSTANT - address)
    return size
