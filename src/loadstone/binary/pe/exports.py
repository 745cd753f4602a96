"""What a PE image offers: exports by name and by ordinal, and those forwarded to another module.

Source: "PE Format", section "The .edata Section".
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

from loadstone.binary.pe.imports import is_api_set
from loadstone.binary.pe.layout import DirectoryIndex
from loadstone.binary.pe.view import PeView, integers
from loadstone.core.image import Dependency, DependencyKind
from loadstone.quick_dataclass import dataclass

__all__ = ["Exports", "forwarded_modules", "read_exports"]

# flags timestamp major minor name base functions names function-table name-table ordinal-table
_DIRECTORY: Final = Struct("<IIHHIIIIIII")


@dataclass(frozen=True, slots=True)
class Exports:
    """The columns of the export table: named ones in table order, then those with an ordinal only (``#7``)."""

    identity: str | None = None
    identity_offset: int = 0
    names: tuple[str, ...] = ()
    addresses: tuple[int, ...] = ()
    ordinals: tuple[int, ...] = ()
    offsets: tuple[int, ...] = ()  # of the entry in the function table, in the file
    forwards: tuple[tuple[int, str], ...] = ()  # position, and ``OTHER.Name`` or ``OTHER.#7``


def read_exports(view: PeView) -> Exports:
    """The export table; an empty one when the image exports nothing."""
    entry = view.headers.directory(DirectoryIndex.EXPORT)
    if entry is None:
        return Exports()
    found = view.record("exports", _DIRECTORY, entry.address, entry.entry_offset)
    if found is None:
        return Exports()
    offset, (_, _, _, _, name_at, base, function_count, name_count, functions_at, names_at, ordinals_at) = found
    identity = view.text("module name", name_at, offset + 12) if name_at else None
    place = view.place(name_at)
    table_offset, functions = _column(view, "functions", functions_at, function_count, offset + 20)
    _, name_addresses = _column(view, "names", names_at, name_count, offset + 24)
    _, positions = _column(view, "ordinals", ordinals_at, min(name_count, len(name_addresses)), offset + 24)
    named = [(at, p) for at, p in zip(name_addresses, positions, strict=False) if p < len(functions)]
    if len(functions) < function_count:  # what follows the last one that has a name may be anything
        functions = functions[: max((p for _, p in named), default=-1) + 1]
    if len(named) < name_count:
        view.damage.add("exports", f"{name_count - len(named)} of {name_count} names lead nowhere", offset + 24)
    known = {p for _, p in named}
    unnamed = [p for p, address in enumerate(functions) if address and p not in known]
    order = [p for _, p in named] + unnamed
    names = view.texts("exports", [at for at, _ in named], offset + 24)
    called = (name or f"#{base + p}" for name, (_, p) in zip(names, named, strict=True))
    addresses = tuple(functions[p] for p in order)
    return Exports(
        identity=identity,
        identity_offset=place[0] if place and identity is not None else 0,
        names=(*called, *(f"#{base + p}" for p in unnamed)),
        addresses=addresses,
        ordinals=tuple(base + p for p in order),
        offsets=tuple(table_offset + 4 * p for p in order),
        forwards=_forwards(view, addresses, entry.address, entry.address + entry.size, offset),
    )


_COSTS: Final = {"functions": 2, "names": 1, "ordinals": 0}  # half items an entry: 36 bytes an export, in all


def _column(view: PeView, kind: str, address: int, count: int, told_at: int) -> tuple[int, Sequence[int]]:
    if not count:
        return 0, ()
    size = 2 if kind == "ordinals" else 4
    place, cost = view.place(address), _COSTS[kind]
    fit = min(count, place[1] // size if place else 0, 2 * view.budget.items_left // cost if cost else count)
    if fit < count:  # the loader looks names up by halves, and does not mind a table said to be too long
        view.damage.add("exports", f"{count} {kind} are said to be there, there is room for {fit}", told_at)
    view.budget.items(fit * cost // 2)
    found = view.table("exports", address, fit * size, told_at) if place else None
    return (0, ()) if found is None else (found[0], integers("H" if size == 2 else "I", found[1]))


def _forwards(
    view: PeView, addresses: Sequence[int], first: int, last: int, told_at: int
) -> tuple[tuple[int, str], ...]:
    """An address inside the export directory is that of a text that names another module's export."""
    rows = [(position, address) for position, address in enumerate(addresses) if first <= address < last]
    texts = view.texts("forwarders", [address for _, address in rows], told_at)
    return tuple((position, text) for (position, _), text in zip(rows, texts, strict=True) if text)


def forwarded_modules(exports: Exports) -> tuple[Dependency, ...]:
    """One dependency for each module exports are forwarded to, as ``name.dll``, with the symbols wanted of it."""
    wanted: dict[str, tuple[int, list[str]]] = {}
    split = {text: text.rpartition(".") for _, text in exports.forwards}  # many may share one long text
    for position, text in exports.forwards:
        module, dot, symbol = split[text]
        if dot:
            wanted.setdefault(module, (exports.offsets[position], []))[1].append(symbol)
    return tuple(
        Dependency(
            module if module.lower().endswith(".dll") else f"{module}.dll",
            DependencyKind.FORWARD,
            offset,
            symbols=tuple(symbols),
            virtual=is_api_set(module),
        )
        for module, (offset, symbols) in wanted.items()
    )
