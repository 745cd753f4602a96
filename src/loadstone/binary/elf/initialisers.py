"""Code that runs before the first symbol is used: DT_INIT, the initialiser arrays, and the resolvers of IFUNCs.

Sources: gABI chapter 5 "Initialization and Termination Functions"; psABI IRELATIVE relocations.
"""

from __future__ import annotations

from loadstone.binary.elf.dynamic import Tag
from loadstone.binary.elf.facts import DynamicTable
from loadstone.binary.elf.machines import relocations
from loadstone.binary.elf.relocations import RelocationTable
from loadstone.binary.elf.view import View
from loadstone.core.image import Initialiser, SymbolTable
from loadstone.core.limits import MAX_INITIALISERS

__all__ = ["read_initialisers"]

_ARRAYS = (
    (Tag.PREINIT_ARRAY, Tag.PREINIT_ARRAYSZ, "preinit_array", False),
    (Tag.INIT_ARRAY, Tag.INIT_ARRAYSZ, "init_array", False),
    (Tag.FINI_ARRAY, Tag.FINI_ARRAYSZ, "fini_array", True),
)


def read_initialisers(
    view: View,
    dynamic: DynamicTable,
    by_tag: dict[int, int],
    symbols: SymbolTable,
    tables: tuple[RelocationTable, ...],
) -> tuple[Initialiser, ...]:
    """Every address called at load or unload, in the order of the kinds, with its exported name where it has one."""
    found: list[tuple[str, int, int, bool]] = []
    for tag, kind, final in ((Tag.INIT, "init", False), (Tag.FINI, "fini", True)):
        if by_tag.get(tag):
            found.append((kind, by_tag[tag], dynamic.place(tag), final))
    for tag, size_tag, kind, final in _ARRAYS:
        if tag in by_tag and by_tag.get(size_tag):
            found.extend((kind, a, at, final) for a, at in _array(view, dynamic, by_tag, tag, size_tag, tables))
    if view.machine:
        found.extend(("ifunc", address, dynamic.place(Tag.RELA), False) for address in _resolvers(view, tables))
    names = _names(symbols, {address for _, address, _, _ in found})
    return tuple(Initialiser(kind, at, names.get(at, ""), offset, final) for kind, at, offset, final in found)


def _array(
    view: View,
    dynamic: DynamicTable,
    by_tag: dict[int, int],
    tag: Tag,
    size_tag: Tag,
    tables: tuple[RelocationTable, ...],
) -> list[tuple[int, int]]:
    """``(function address, entry offset)``; entries stored as zero are taken from the relocation that fills them."""
    word = view.layout.word_size
    address, size = by_tag[tag], by_tag[size_tag]
    if size > MAX_INITIALISERS * word:
        view.damage.add(tag.name, f"{size // word} entries are more than {MAX_INITIALISERS}", dynamic.place(size_tag))
        size = MAX_INITIALISERS * word
    offset, data = view.table(tag.name, address, size, dynamic.place(tag))
    entries = view.layout.words(data).tolist()
    if not all(entries):
        filled = {
            place: addend
            for table in tables
            for place, addend in table.relative_entries(view)
            if address <= place < address + size
        }
        entries = [entry or filled.get(address + i * word, 0) for i, entry in enumerate(entries)]
    return [(entry, offset + i * word) for i, entry in enumerate(entries)]


def _resolvers(view: View, tables: tuple[RelocationTable, ...]) -> list[int]:
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
    if wanted.isdisjoint(symbols.values):
        return {}
    return {value: name for name, value in zip(symbols.names, symbols.values, strict=True) if value in wanted and value}
