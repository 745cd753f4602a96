"""How relocations use symbols: at once, lazily, by copy; and how many need none.

Sources: gABI chapter 4 "Relocation"; the processor supplements; glibc elf/dynamic-link.h for what may be lazy (only
jump slots of DT_JMPREL). Entries counted by DT_RELACOUNT need no symbol, by the contract glibc relies on; a count
that is wrong is not believed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.binary.elf.dynamic import DynamicTag
from loadstone.binary.elf.facts import DynamicTable, Usage
from loadstone.binary.elf.layout import ElfLayout
from loadstone.binary.elf.machines import relocations
from loadstone.binary.elf.view import ElfView
from loadstone.core.image import ByteOrder
from loadstone.quick_dataclass import dataclass

__all__ = ["RelocationTable", "count_packed", "read_relocations", "symbols_used", "usage"]

_MIPS: Final = 8
_JUMP_SLOTS: Final = "jump slot relocations"
_STEP: Final = 65_536  # relative entries looked at in one go


@dataclass(frozen=True, slots=True)
class RelocationTable:
    """One table as columns, but for its first ``relative`` entries, which need no symbol and are not read here.

    ``addends`` is None where they stand in the patched place (REL); ``jump_slots`` marks the table of DT_JMPREL.
    ``address`` and ``stride`` (words of an entry) say where the unread entries are.
    """

    address: int
    stride: int
    relative: int
    jump_slots: bool
    offsets: array[int]
    infos: array[int]
    addends: array[int] | None

    def relative_entries(self, view: ElfView) -> Iterator[tuple[int, int]]:
        """``(patched address, addend)`` of the entries that need no symbol; none where they have no addend."""
        entry_size = self.stride * view.layout.word_size
        for first in range(0, self.relative if self.stride == 3 else 0, _STEP):
            count = min(_STEP, self.relative - first)
            found = view.place(self.address + first * entry_size)
            if found is None:
                return
            words = view.layout.words(view.cursor.upto(found[0], min(count * entry_size, found[1])))
            yield from zip(words[0::3], words[2::3], strict=False)

    def filling(self, view: ElfView, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """``(patched address, symbol, addend)`` of every entry that patches something from ``first`` to ``last``."""
        for place, addend in self.relative_entries(view):
            if first <= place < last:
                yield place, 0, addend
        for position, place in enumerate(self.offsets):
            if first <= place < last:
                symbol = split_info(view.layout, view.machine, (self.infos[position],))[0][1]
                yield place, symbol, self.addends[position] if self.addends else 0


def read_relocations(view: ElfView, dynamic: DynamicTable, by_tag: dict[int, int]) -> tuple[RelocationTable, ...]:
    """The tables of DT_RELA, DT_REL and DT_JMPREL; what the last shares with the others is counted once, as its own."""
    slots, slots_size = by_tag.get(DynamicTag.JMPREL), by_tag.get(DynamicTag.PLTRELSZ, 0)
    found = []
    for tag, size_tag, count_tag, stride in (
        (DynamicTag.RELA, DynamicTag.RELASZ, DynamicTag.RELACOUNT, 3),
        (DynamicTag.REL, DynamicTag.RELSZ, DynamicTag.RELCOUNT, 2),
    ):
        address, size = by_tag.get(tag), by_tag.get(size_tag, 0)
        if address is None or not size:
            continue
        if slots is not None and slots > address and slots + slots_size == address + size:
            size = slots - address
        relative = min(by_tag.get(count_tag, 0), size // (stride * view.layout.word_size))
        if relative and not _all_relative(view, address, stride, relative):
            said = f"{count_tag.name} says the first {relative} need no symbol, and some of them do"
            view.damage.add("relocations", said, dynamic.place(count_tag), fatal=True)  # glibc asserts it
            relative = 0
        found.append(_table(view, "relocations", address, size, dynamic.place(tag), stride, relative))
    if slots is not None and slots_size:
        default = DynamicTag.RELA if view.layout.bits == 64 else DynamicTag.REL
        stride = 3 if by_tag.get(DynamicTag.PLTREL, default) == DynamicTag.RELA else 2
        where = dynamic.place(DynamicTag.JMPREL)
        found.append(_table(view, _JUMP_SLOTS, slots, slots_size, where, stride, 0))
    return tuple(found)


def _all_relative(view: ElfView, address: int, stride: int, count: int) -> bool:
    """Whether the first and the last of the entries said to need no symbol are of that kind; musl reads every one."""
    kinds = relocations(view.machine).relative
    word = view.layout.word_size
    if not kinds:
        return True
    for number in (0, count - 1):
        found = view.place(address + (number * stride + 1) * word)
        infos = view.layout.words(view.cursor.upto(found[0], word)) if found else ()
        if any(kind not in kinds for _, _, kind in split_info(view.layout, view.machine, infos)):
            return False
    return True


def _table(
    view: ElfView, name: str, address: int, size: int, told_at: int, stride: int, relative: int
) -> RelocationTable:
    entry_size = stride * view.layout.word_size
    skipped = relative * entry_size
    offsets = infos = addends = view.layout.words(b"")
    if size > skipped:
        _, data = view.table(name, address + skipped, size - skipped, told_at)
        words = view.layout.words(data[: len(data) - len(data) % entry_size])
        offsets, infos, addends = words[0::stride], words[1::stride], words[2::stride]
    return RelocationTable(
        address=address,
        stride=stride,
        relative=relative,
        jump_slots=name is _JUMP_SLOTS,
        offsets=offsets,
        infos=infos,
        addends=addends if stride == 3 else None,
    )


def count_packed(view: ElfView, dynamic: DynamicTable, by_tag: dict[int, int]) -> int:
    """How many relocations DT_RELR holds: an even word is one address, an odd one a bitmap of those that follow it.

    Source: gABI "Relative Relocation Table".
    """
    address = by_tag.get(DynamicTag.RELR)
    if address is None:
        return 0
    _, data = view.table(
        "packed relocations", address, by_tag.get(DynamicTag.RELRSZ, 0), dynamic.place(DynamicTag.RELR)
    )
    return sum(word.bit_count() - 1 if word & 1 else 1 for word in view.layout.words(data))


def split_info(layout: ElfLayout, machine: int, infos: Iterable[int]) -> list[tuple[int, int, int]]:
    """Each ``r_info`` with its symbol and its type."""
    if layout.bits == 32:
        return [(info, info >> 8, info & 0xFF) for info in infos]
    if machine != _MIPS:
        return [(info, info >> 32, info & 0xFFFF_FFFF) for info in infos]
    # three types and a special symbol follow the symbol; read as one little-endian number, they are its upper half
    if layout.order is ByteOrder.LITTLE:
        return [(info, info & 0xFFFF_FFFF, info >> 56) for info in infos]
    return [(info, info >> 32, info & 0xFF) for info in infos]


def symbols_used(view: ElfView, tables: tuple[RelocationTable, ...]) -> int:
    """How many symbols there must be for the relocations to make sense: the highest position, and one."""
    highest = -1
    for table in tables:
        if table.infos:  # the symbol is the upper part of r_info, but on little-endian MIPS
            odd = view.machine == _MIPS and view.layout.bits == 64
            infos = table.infos if odd else (max(table.infos),)
            highest = max(highest, *(symbol for _, symbol, _ in split_info(view.layout, view.machine, infos)))
    return highest + 1 if highest > 0 else 0


def usage(layout: ElfLayout, machine: int, tables: tuple[RelocationTable, ...]) -> Usage:
    """What the tables say about symbols: one look at each different ``r_info``, not at each entry."""
    numbers = relocations(machine)
    immediate: set[int] = set()
    slots: set[int] = set()
    copied: set[int] = set()
    order: dict[int, None] = {}
    relative = irelative = 0
    thread_locals: set[int] = set()
    for table in tables:
        relative += table.relative
        for info, symbol, kind in split_info(layout, machine, dict.fromkeys(table.infos)):
            order.setdefault(symbol)
            if table.jump_slots and kind in numbers.jump_slot:
                slots.add(symbol)
            elif kind in numbers.relative and not symbol:
                relative += table.infos.count(info)
            elif kind in numbers.irelative:
                irelative += table.infos.count(info)
            elif kind in numbers.tls_offset:
                thread_locals.add(symbol)
                immediate.add(symbol)
            elif kind in numbers.copy:
                copied.add(symbol)
                immediate.add(symbol)
            elif kind:  # every processor calls 0 NONE
                immediate.add(symbol)
    immediate.discard(0)
    slots.discard(0)
    return Usage(
        immediate=frozenset(immediate),
        lazy=frozenset(slots - immediate),
        copied=frozenset(copied),
        order=tuple(symbol for symbol in order if symbol in immediate or symbol in slots),
        relative=relative,
        irelative=irelative,
        initial_exec_tls=bool(thread_locals),
        thread_locals=frozenset(thread_locals),
    )
