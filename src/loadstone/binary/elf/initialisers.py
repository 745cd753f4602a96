"""Code that runs before the first symbol is used: DT_INIT, the initialiser arrays, and the resolvers of IFUNCs.

Sources: gABI chapter 5 "Initialization and Termination Functions"; psABI IRELATIVE relocations.
"""

from __future__ import annotations

import sys
from array import array
from typing import Final

from loadstone.binary.elf.dynamic import DynamicTag
from loadstone.binary.elf.facts import DynamicTable
from loadstone.binary.elf.machines import relocations
from loadstone.binary.elf.relocations import RelocationTable
from loadstone.binary.elf.view import ElfView
from loadstone.core.image import Initialiser, SymbolTable
from loadstone.core.limits import MAX_INITIALISERS
from loadstone.quick_dataclass import replace

__all__ = ["read_initialisers"]

_FEW: Final = 8  # addresses

_ARRAYS = (
    (DynamicTag.PREINIT_ARRAY, DynamicTag.PREINIT_ARRAYSZ, "preinit_array", False),
    (DynamicTag.INIT_ARRAY, DynamicTag.INIT_ARRAYSZ, "init_array", False),
    (DynamicTag.FINI_ARRAY, DynamicTag.FINI_ARRAYSZ, "fini_array", True),
)


def read_initialisers(
    view: ElfView,
    dynamic: DynamicTable,
    by_tag: dict[int, int],
    symbols: SymbolTable,
    tables: tuple[RelocationTable, ...],
) -> tuple[Initialiser, ...]:
    """Every address called at load or unload, in the order of the kinds, with its exported name where it has one."""
    found: list[Initialiser] = []
    for tag, kind, final in ((DynamicTag.INIT, "init", False), (DynamicTag.FINI, "fini", True)):
        if by_tag.get(tag):
            found.append(Initialiser(kind, by_tag[tag], "", dynamic.place(tag), final))
    for tag, size_tag, kind, final in _ARRAYS:
        if tag in by_tag and by_tag.get(size_tag):
            entries = _array(view, dynamic, by_tag, tag, size_tag, symbols, tables)
            found.extend(Initialiser(kind, address, name, at, final) for address, name, at in entries)
    where = dynamic.place(DynamicTag.JMPREL if DynamicTag.JMPREL in by_tag else DynamicTag.RELA)
    found.extend(Initialiser("ifunc", address, "", where) for address in _resolvers(view, tables))
    names = _names(symbols, {one.address for one in found})
    return tuple(replace(one, symbol=names[one.address]) if one.address in names else one for one in found)


def _array(
    view: ElfView,
    dynamic: DynamicTable,
    by_tag: dict[int, int],
    tag: DynamicTag,
    size_tag: DynamicTag,
    symbols: SymbolTable,
    tables: tuple[RelocationTable, ...],
) -> list[tuple[int, str, int]]:
    """``(function address, name, entry offset)``; what is stored as zero is taken from the relocation that fills it."""
    word = view.layout.word_size
    address, size = by_tag[tag], by_tag[size_tag]
    if size > MAX_INITIALISERS * word:
        view.damage.add(tag.name, f"{size // word} entries are more than {MAX_INITIALISERS}", dynamic.place(size_tag))
        size = MAX_INITIALISERS * word
    offset, data = view.table(tag.name, address, size, dynamic.place(tag))
    entries = view.layout.words(data)
    filled: dict[int, tuple[int, str]] = {}
    if 0 in entries:
        for table in tables:
            for place, symbol, addend in table.filling(view, address, address + size):
                known = 0 < symbol < len(symbols)
                value = symbols.values[symbol] if known else 0
                filled[place] = (value + addend, symbols.names[symbol] if known else "")
    return [
        (*((entry, "") if entry else filled.get(address + i * word, (0, ""))), offset + i * word)
        for i, entry in enumerate(entries)
    ]


def _resolvers(view: ElfView, tables: tuple[RelocationTable, ...]) -> list[int]:
    """The addresses of the resolver functions IRELATIVE relocations call, those with addends."""
    kinds = relocations(view.machine).irelative
    found: list[int] = []
    for table in tables:
        if table.addends is None:
            continue
        for info in kinds.intersection(table.infos):  # they have no symbol, so r_info is the number itself
            found.extend(table.addends[i] for i, other in enumerate(table.infos) if other == info)
    return found[:MAX_INITIALISERS]


def _names(symbols: SymbolTable, wanted: set[int]) -> dict[int, str]:
    values = symbols.values
    if len(wanted) <= _FEW and isinstance(values, array):  # a column searched as bytes takes a hundredth of the time
        column = values.tobytes()
        if not any(one.to_bytes(values.itemsize, sys.byteorder) in column for one in wanted):
            return {}
    elif wanted.isdisjoint(values):
        return {}
    return {value: name for name, value in zip(symbols.names, symbols.values, strict=True) if value in wanted and value}
