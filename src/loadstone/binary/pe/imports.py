"""What a PE image wants from others: static, delayed and bound imports.

Sources: "PE Format", sections "The .idata Section" and "Delay-Load Import Tables"; winnt.h for bound imports.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

from loadstone.binary.pe.facts import BoundImport
from loadstone.binary.pe.layout import DirectoryIndex
from loadstone.binary.pe.view import PeView, integers
from loadstone.core.image import Dependency, DependencyKind
from loadstone.core.limits import MAX_DEPENDENCIES
from loadstone.errors import MalformedImage
from loadstone.quick_dataclass import dataclass

__all__ = ["ImportedModule", "dependency", "is_api_set", "read_bound_imports", "read_imports"]

_DESCRIPTOR: Final = Struct("<IIIII")  # lookup table, timestamp, forwarder chain, name, address table
_DELAY_DESCRIPTOR: Final = Struct("<IIIIIIII")  # flags name handle address-table name-table bound unload timestamp
_DELAY_BY_RVA: Final = 1  # without this flag the fields are virtual addresses (Visual C++ 6)
_BOUND_DESCRIPTOR: Final = Struct("<IHH")  # timestamp, offset of the name, number of forwarders behind
_ITEMS_A_MODULE: Final = 8  # descriptor, name and tables: what one costs to read
_FIRST_ENTRIES: Final = 64  # import tables are read in growing steps: only their end says how long they are


@dataclass(frozen=True, slots=True)
class ImportedModule:
    """One module and what is wanted of it; the columns have one entry a symbol, ``#7`` naming one by ordinal."""

    name: str
    kind: DependencyKind
    offset: int  # of its descriptor, in the file
    names: tuple[str, ...]
    ordinals: tuple[int, ...]  # -1 for one by name
    addresses: tuple[int, ...]  # of the slot the loader fills
    offsets: tuple[int, ...]  # of the entry that asks, in the file


def is_api_set(name: str) -> bool:
    """Whether a module name is that of a contract the system maps to a file of its choice.

    >>> is_api_set("API-MS-Win-Core-File-L1-1-0.dll"), is_api_set("kernel32.dll")
    (True, False)
    """
    return name.lower().startswith(("api-", "ext-"))


def dependency(module: ImportedModule) -> Dependency:
    """The dependency an imported module is."""
    return Dependency(module.name, module.kind, module.offset, symbols=module.names, virtual=is_api_set(module.name))


def read_imports(view: PeView) -> tuple[ImportedModule, ...]:
    """Static imports in the order the loader takes them, then the delayed ones."""
    return (*_static(view), *_delayed(view))


def _static(view: PeView) -> Iterator[ImportedModule]:
    for offset, (lookup, _, _, name_at, slots) in _descriptors(view, DirectoryIndex.IMPORT, _DESCRIPTOR):
        if not name_at or not slots:
            return
        name = view.text("imports", name_at, offset)
        if name is not None:
            yield _module(view, name, DependencyKind.NEEDED, offset, _lookup(view, lookup, slots), slots)


def _lookup(view: PeView, lookup: int, slots: int) -> int:
    """The table that names the imports: the lookup table, or the one to be filled where no lookup table is usable.

    Older link editors wrote none, and the loader takes one that lies in the headers or nowhere for none.
    """
    return lookup if lookup >= view.headers.headers_size and view.place(lookup) else slots


def _delayed(view: PeView) -> Iterator[ImportedModule]:
    for offset, fields in _descriptors(view, DirectoryIndex.DELAY_IMPORT, _DELAY_DESCRIPTOR):
        flags, name_at, _, slots, names = fields[:5]
        if not name_at:
            return
        base = 0 if flags & _DELAY_BY_RVA else view.headers.image_base
        name = view.text("delay imports", name_at - base, offset)
        if name is not None:
            yield _module(view, name, DependencyKind.DELAY, offset, names - base, slots - base)


def _descriptors(view: PeView, which: DirectoryIndex, layout: Struct) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Records one by one up to the one that ends the table: its stated size is not what the loader goes by."""
    entry = view.headers.directory(which)
    if entry is None:
        return
    for number in range(MAX_DEPENDENCIES + 1):
        found = view.record(f"{entry.name} table", layout, entry.address + number * layout.size, entry.entry_offset)
        if found is None:
            return
        if number == MAX_DEPENDENCIES or not view.budget.items(_ITEMS_A_MODULE):
            view.damage.add(f"{entry.name} table", "more modules than a file of this size can hold", found[0])
            return
        yield found


def _module(view: PeView, name: str, kind: DependencyKind, offset: int, lookup: int, slots: int) -> ImportedModule:
    table_offset, entries = _entries(view, name, lookup, offset)
    by_ordinal = 1 << (view.headers.bits - 1)
    wanted = [e + 2 for e in entries if not e & by_ordinal]
    texts = iter(view.texts("imports", wanted, offset))
    word = view.word
    return ImportedModule(
        name,
        kind,
        offset,
        tuple(f"#{e & 0xFFFF}" if e & by_ordinal else next(texts) for e in entries),
        tuple(e & 0xFFFF if e & by_ordinal else -1 for e in entries),
        tuple(range(slots, slots + word * len(entries), word)),
        tuple(range(table_offset, table_offset + word * len(entries), word)),
    )


def _entries(view: PeView, name: str, address: int, told_at: int) -> tuple[int, list[int]]:
    """The entries of an import lookup table up to the zero that ends it, and its offset."""
    found = view.place(address)
    if found is None:
        view.damage.add("imports", f"the table for {name} at {address:#x} is in no part of the file", told_at)
        return 0, []
    offset, room = found
    count = _FIRST_ENTRIES
    while True:
        data = view.cursor.upto(offset, min(count * view.word, room))
        entries = integers("Q" if view.word == 8 else "I", data)
        try:
            end = entries.index(0)
        except ValueError:
            if len(data) < count * view.word:
                view.damage.add("imports", f"the table for {name} is not terminated", offset)
                end = len(entries)
            elif count > view.budget.items_left:
                end = len(entries)
            else:
                count *= 4
                continue
        allowed = min(end, view.budget.items_left)
        if allowed < end:
            view.damage.add("imports", "more symbols than a file of this size can hold", offset)
        view.budget.items(allowed)
        return offset, entries[:allowed].tolist()


def read_bound_imports(view: PeView) -> tuple[BoundImport, ...]:
    """Modules the addresses were bound to. The table stands in the headers and counts from its own beginning."""
    found = view.directory(DirectoryIndex.BOUND_IMPORT)
    if found is None:
        return ()
    offset, data = found
    bound: list[BoundImport] = []
    at = 0
    while at + _BOUND_DESCRIPTOR.size <= len(data) and len(bound) < MAX_DEPENDENCIES:
        if not view.budget.items(_ITEMS_A_MODULE):
            view.damage.add("bound imports", "more modules than a file of this size can hold", offset + at)
            break
        timestamp, name_at, count = _BOUND_DESCRIPTOR.unpack_from(data, at)
        if not name_at:
            break
        records = range(at + _BOUND_DESCRIPTOR.size, at + _BOUND_DESCRIPTOR.size * (count + 1), _BOUND_DESCRIPTOR.size)
        try:
            name = _bound_name(view, offset, name_at)
            forwarders = tuple(
                _bound_name(view, offset, _BOUND_DESCRIPTOR.unpack_from(data, record)[1])
                for record in records
                if record + _BOUND_DESCRIPTOR.size <= len(data) and view.budget.items(_ITEMS_A_MODULE)
            )
        except MalformedImage as error:
            view.damage.add("bound imports", error.what, error.offset)
            break
        bound.append(BoundImport(name, timestamp, forwarders, offset + at))
        at += _BOUND_DESCRIPTOR.size * (1 + count)
    return tuple(bound)


def _bound_name(view: PeView, table: int, position: int) -> str:
    text = view.cursor.string(table + position, min(4096, view.budget.characters_left))
    view.budget.characters(len(text))
    return text
