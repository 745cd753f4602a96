"""The link editor's symbol table, ``.symtab``: names of functions that are not exported, where they were not stripped.

Loaders never see it, so only what is not linked yet is described by it; what needs to name an address asks for it.
Where a distribution strips its libraries, the table is in a twin file that has only debug information. Sources: gABI
chapter 4 "Symbol Table"; GDB manual, "Debugging Information in Separate Files".
"""

from __future__ import annotations

import os
from typing import Final

from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.elf.header import read_header
from loadstone.binary.elf.sections import SectionTable, read_sections
from loadstone.binary.elf.symbols import columns
from loadstone.binary.elf.view import ElfView
from loadstone.binary.strings import StringTable
from loadstone.core.image import SymbolTable
from loadstone.core.limits import MAX_TABLE_SIZE
from loadstone.errors import MalformedImage, Unreadable
from loadstone.quick_dataclass import dataclass

__all__ = ["ListedNames", "debug_twin", "find_listed", "listed_symbols", "read_link_symbols"]

_SHT_SYMTAB: Final = 2
_PIECE: Final = 1 << 20
_LONGEST: Final = 64  # bytes of a name asked for, and more: pieces overlap by so many
_MAX_SEARCHED: Final = 32 << 20
_TWINS: Final = "/usr/lib/debug/.build-id"


def read_link_symbols(source: str | os.PathLike[str] | bytes) -> SymbolTable:
    """The symbols of ``.symtab``, local ones included; none when it was stripped, or the file is no readable ELF.

    ``source`` is a path, or the bytes of a file. Thread-safe; reads nothing else, at most 128 MiB of each table.
    """
    try:
        with Cursor.of(source) if isinstance(source, bytes) else Cursor.open(source) as cursor:
            header = read_header(cursor)
            view = ElfView(cursor, DamageLog(), header.layout, header.machine)
            return listed_symbols(view, read_sections(view, header))
    except (MalformedImage, Unreadable):
        return SymbolTable()


def listed_symbols(view: ElfView, sections: SectionTable) -> SymbolTable:
    """The symbols of ``.symtab`` in file order; none without that section."""
    spans = sections.spans_with_linked(_SHT_SYMTAB)
    if spans is None:
        return SymbolTable()
    (offset, size), (names_at, names_size) = spans
    data = view.cursor.upto(offset, min(size, MAX_TABLE_SIZE))
    strings = StringTable(view.cursor.upto(names_at, min(names_size, MAX_TABLE_SIZE)), names_at)
    return columns(view, offset, data[: len(data) - len(data) % view.layout.symbol_size], strings)


@dataclass(frozen=True, slots=True)
class ListedNames:
    """Whether there is a ``.symtab``, and which of the names asked for is in it, the first of them."""

    there: bool = False
    found: str = ""


def find_listed(view: ElfView, sections: SectionTable, names: tuple[str, ...]) -> ListedNames:
    """Look names up in the string table of ``.symtab``, a piece at a time: no table of symbols is made."""
    spans = sections.spans_with_linked(_SHT_SYMTAB)
    if spans is None or spans[1][1] <= 1:
        return ListedNames()
    wanted = [(name, b"\0" + name.encode() + b"\0") for name in names]
    begin, size = spans[1]
    for at in range(0, min(size, _MAX_SEARCHED), _PIECE):
        piece = view.cursor.upto(begin + at, _PIECE + _LONGEST)
        for name, bytes_of_it in wanted:
            if bytes_of_it in piece:
                return ListedNames(True, name)
    return ListedNames(True)


def debug_twin(build_id: str) -> str | None:
    """The file with the debug information of the library of that build-id (hexadecimal), when it is installed.

    >>> debug_twin("") is debug_twin("00") is None
    True
    """
    twin = os.path.join(_TWINS, build_id[:2], f"{build_id[2:]}.debug")
    return twin if len(build_id) > 2 and build_id.isalnum() and os.path.isfile(twin) else None
