"""The symbol table link editors write: what is exported and imported where the loader has no words of its own for it.

Source: mach-o/nlist.h; mach-o/loader.h, symtab_command and dysymtab_command.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from loadstone.binary.macho.layout import LoadCommandKind
from loadstone.binary.macho.view import MachoView
from loadstone.binary.strings import StringTable

__all__ = ["NlistEntry", "read_nlist"]

_DEBUGGING, _TYPE, _EXTERNAL, _PRIVATE = 0xE0, 0x0E, 0x01, 0x10  # N_STAB, N_TYPE, N_EXT, N_PEXT
_ITEMS_A_SYMBOL: Final = 3  # entry, name, and what it names
_UNDEFINED: Final = 0  # N_UNDF; with a value it is a common symbol, which the link editor made room for
_WEAK_REFERENCE, _WEAK_DEFINITION = 0x40, 0x80  # N_WEAK_REF of undefined, N_WEAK_DEF of defined ones
_SPECIAL_ORDINALS: Final = {0xFE: -2, 0xFF: -1}  # DYNAMIC_LOOKUP_ORDINAL, EXECUTABLE_ORDINAL


class NlistEntry(NamedTuple):
    """One external symbol. ``ordinal`` is that of its library when it is undefined."""

    name: str
    defined: bool
    weak: bool
    hidden: bool
    address: int
    section: int
    ordinal: int
    offset: int


def read_nlist(view: MachoView, *, defined: bool, undefined: bool) -> list[NlistEntry]:
    """The external symbols asked for, in table order; debugging and local ones are left out."""
    command = view.first(LoadCommandKind.SYMTAB)
    if command is None or not (defined or undefined):
        return []
    offset, count, strings_at, strings_size = (view.number(command, at) for at in (8, 12, 16, 20))
    row = view.layout.symbol
    first, count = _range(view, count, defined=defined, undefined=undefined)
    place, data = view.table("symbol table", offset + first * row.size, count * row.size, command.offset)
    strings_place, text = view.table("string table", strings_at, strings_size, command.offset)
    wanted = []
    for number, (name, kind, section, description, value) in enumerate(
        row.iter_unpack(data[: len(data) - len(data) % row.size])
    ):
        if kind & _DEBUGGING or not kind & _EXTERNAL:
            continue
        missing = kind & _TYPE == _UNDEFINED
        if undefined if missing else defined:
            wanted.append((name, kind, section, description, value, place + number * row.size))
    if not view.budget.items(_ITEMS_A_SYMBOL * len(wanted)):
        view.damage.add("symbol table", "more symbols than a file of this size can hold", place)
        return []
    names, nameless = StringTable(text, strings_place).column([row[0] for row in wanted])
    if nameless:
        view.damage.add("symbol table", f"{nameless} symbols have no name in the string table", command.offset)
    return [_entry(name, *row[1:]) for name, row in zip(names, wanted, strict=True)]


def _range(view: MachoView, count: int, *, defined: bool, undefined: bool) -> tuple[int, int]:
    """The part of the table that can hold what is asked for: LC_DYSYMTAB sorts it in local, external and undefined."""
    command = view.first(LoadCommandKind.DYSYMTAB)
    if command is None:
        return 0, count
    parts = []
    if defined:
        parts.append((view.number(command, 16), view.number(command, 20)))
    if undefined:
        parts.append((view.number(command, 24), view.number(command, 28)))
    if any(first + size > count for first, size in parts):
        view.damage.add("dynamic symbol table", f"a part reaches behind the {count} symbols", command.offset)
        return 0, count
    begin = min(first for first, _ in parts)
    return begin, max(first + size for first, size in parts) - begin


def _entry(name: str, kind: int, section: int, description: int, value: int, offset: int) -> NlistEntry:
    missing = kind & _TYPE == _UNDEFINED
    ordinal = description >> 8 & 0xFF if missing else 0
    return NlistEntry(
        name=name,
        defined=not missing,
        weak=bool(description & (_WEAK_REFERENCE if missing else _WEAK_DEFINITION)),
        hidden=bool(kind & _PRIVATE),
        address=value,
        section=section,
        ordinal=_SPECIAL_ORDINALS.get(ordinal, ordinal),
        offset=offset,
    )
