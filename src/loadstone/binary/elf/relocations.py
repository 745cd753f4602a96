"""How relocations use symbols: at once, lazily, by copy; and how many need none.

Sources: gABI chapter 4 "Relocation"; the processor supplements; glibc elf/dynamic-link.h for what may be lazy (only
jump slots of DT_JMPREL). Entries counted by DT_RELACOUNT need no symbol, by the contract loaders rely on.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Final

from loadstone.binary.elf.dynamic import Tag
from loadstone.binary.elf.facts import DynamicTable, Usage
from loadstone.binary.elf.machines import relocations
from loadstone.binary.elf.view import View

__all__ = ["RelocationTable", "read_relocations", "usage"]

_MIPS: Final = 8


@dataclass(frozen=True, slots=True)
class RelocationTable:
    """One table as columns. ``addends`` is None where they stand in the patched place (REL).

    ``relative`` entries from the first on need no symbol; ``jump_slots`` marks the table of DT_JMPREL.
    """

    offsets: array[int]
    infos: array[int]
    addends: array[int] | None
    relative: int
    jump_slots: bool


def read_relocations(view: View, dynamic: DynamicTable, by_tag: dict[int, int]) -> tuple[RelocationTable, ...]:
    """The tables of DT_RELA, DT_REL and DT_JMPREL; what the last shares with the others is counted once, as its own."""
    word = view.layout.word_size
    slots, slots_size = by_tag.get(Tag.JMPREL), by_tag.get(Tag.PLTRELSZ, 0)
    found = []
    for tag, size_tag, count_tag, stride in (
        (Tag.RELA, Tag.RELASZ, Tag.RELACOUNT, 3),
        (Tag.REL, Tag.RELSZ, Tag.RELCOUNT, 2),
    ):
        address, size = by_tag.get(tag), by_tag.get(size_tag, 0)
        if address is None or not size:
            continue
        if slots is not None and slots > address and slots + slots_size == address + size:
            size = slots - address
        _, data = view.table("relocations", address, size, dynamic.place(tag))
        found.append(_table(view, data, stride, by_tag.get(count_tag, 0), jump_slots=False))
    if slots is not None and slots_size:
        _, data = view.table("jump slot relocations", slots, slots_size, dynamic.place(Tag.JMPREL))
        with_addend = by_tag.get(Tag.PLTREL, Tag.RELA if word == 8 else Tag.REL) == Tag.RELA
        found.append(_table(view, data, 3 if with_addend else 2, 0, jump_slots=True))
    return tuple(found)


def _table(view: View, data: bytes, stride: int, relative: int, *, jump_slots: bool) -> RelocationTable:
    words = view.layout.words(data[: len(data) - len(data) % (stride * view.layout.word_size)])
    infos = words[1::stride]
    return RelocationTable(
        offsets=words[0::stride],
        infos=infos,
        addends=words[2::stride] if stride == 3 else None,
        relative=min(relative, len(infos)),
        jump_slots=jump_slots,
    )


def _parts(view: View, info: int) -> tuple[int, int]:
    """Symbol and type of an ``r_info``."""
    if view.layout.bits == 32:
        return info >> 8, info & 0xFF
    if view.machine == _MIPS:  # three types and a special symbol; little-endian files store the symbol word first
        return (info & 0xFFFF_FFFF, info >> 56) if view.layout.order == "little" else (info >> 32, info & 0xFF)
    return info >> 32, info & 0xFFFF_FFFF


def usage(view: View, tables: tuple[RelocationTable, ...]) -> tuple[Usage, int]:
    """What the tables say about symbols, and how many symbols there must be for that.

    One look at each different ``r_info``, not at each entry.
    """
    numbers = relocations(view.machine)
    immediate: set[int] = set()
    slots: set[int] = set()
    copied: set[int] = set()
    relative = irelative = 0
    initial_exec = False
    for table in tables:
        relative += table.relative
        for info in set(table.infos[table.relative :]):
            symbol, kind = _parts(view, info)
            if kind in numbers.relative and not symbol:
                relative += table.infos.count(info) - _leading(table, info)
            elif kind in numbers.irelative:
                irelative += table.infos.count(info)
            elif kind in numbers.tls_offset:
                initial_exec = True
                immediate.add(symbol)
            elif table.jump_slots and kind in numbers.jump_slot:
                slots.add(symbol)
            elif kind in numbers.copy:
                copied.add(symbol)
                immediate.add(symbol)
            elif kind:  # every processor calls 0 NONE
                immediate.add(symbol)
    immediate.discard(0)
    slots.discard(0)
    found = Usage(
        immediate=frozenset(immediate),
        lazy=frozenset(slots - immediate),
        copied=frozenset(copied),
        relative=relative,
        irelative=irelative,
        initial_exec_tls=initial_exec,
    )
    return found, max(immediate | slots, default=-1) + 1


def _leading(table: RelocationTable, info: int) -> int:
    return table.infos[: table.relative].count(info) if table.relative else 0
