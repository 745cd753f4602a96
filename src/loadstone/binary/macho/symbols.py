"""The dynamic symbols of a Mach-O image in the common model: exports first, then imports tied to their libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from loadstone.binary.macho.exports import (
    ABSOLUTE,
    KIND_MASK,
    REEXPORT,
    STUB_AND_RESOLVER,
    THREAD_LOCAL,
    WEAK,
    Export,
    read_trie,
)
from loadstone.binary.macho.facts import FixupKind, Lookup
from loadstone.binary.macho.fixups import Fixups
from loadstone.binary.macho.layout import HeaderFlags
from loadstone.binary.macho.nlist import read_nlist
from loadstone.binary.macho.view import MachoView
from loadstone.core.image import SymbolBinding, SymbolKind, SymbolTable, Visibility
from loadstone.quick_dataclass import dataclass

__all__ = ["Symbols", "read_symbols"]

_KINDS: Final = {kind: position for position, kind in enumerate(SymbolKind)}
_UNTYPED, _FUNCTION, _OBJECT = _KINDS[SymbolKind.UNTYPED], _KINDS[SymbolKind.FUNCTION], _KINDS[SymbolKind.OBJECT]
_TLS: Final = _KINDS[SymbolKind.TLS]
_BINDINGS: Final = {binding: position for position, binding in enumerate(SymbolBinding)}
_GLOBAL, _WEAK = _BINDINGS[SymbolBinding.GLOBAL], _BINDINGS[SymbolBinding.WEAK]
_VISIBILITIES: Final = {visibility: position for position, visibility in enumerate(Visibility)}
_DEFAULT, _HIDDEN = _VISIBILITIES[Visibility.DEFAULT], _VISIBILITIES[Visibility.HIDDEN]
_FLAT: Final = -2
_LOOKUPS: Final = {0: Lookup.SELF, -1: Lookup.MAIN_EXECUTABLE, -2: Lookup.FLAT, -3: Lookup.WEAK}


@dataclass(frozen=True, slots=True)
class Symbols:
    """The table, and where imports without a library are looked for, by position in it."""

    table: SymbolTable
    lookups: tuple[tuple[int, Lookup], ...]


class _Columns:
    """The columns of a symbol table while it grows, one :meth:`add` a symbol."""

    def __init__(self, view: MachoView, libraries: tuple[str, ...]) -> None:
        self._view = view
        self._names = libraries
        self.names: list[str] = []
        self.values: list[int] = []
        self.kinds = bytearray()
        self.bindings = bytearray()
        self.visibilities = bytearray()
        self.defined = bytearray()
        self.offsets: list[int] = []
        self.libraries: list[int] = []
        self.forwards: dict[int, str] = {}
        self.lookups: list[tuple[int, Lookup]] = []

    def add(
        self, name: str, value: int, kind: int, offset: int, *, defined: bool, weak: bool, hidden: bool = False
    ) -> None:
        self.names.append(name)
        self.values.append(value)
        self.kinds.append(kind)
        self.bindings.append(_WEAK if weak else _GLOBAL)
        self.visibilities.append(_HIDDEN if hidden else _DEFAULT)
        self.defined.append(defined)
        self.offsets.append(offset)
        self.libraries.append(0)

    def bind(self, ordinal: int) -> None:
        """Tie the symbol just added to the library of that ordinal, or to the lookup a special ordinal stands for."""
        position = len(self.names) - 1
        if 0 < ordinal <= len(self._names):
            self.libraries[position] = ordinal
        elif ordinal in _LOOKUPS:
            self.lookups.append((position, _LOOKUPS[ordinal]))
        else:
            said = f"library ordinal {ordinal}, of {len(self._names)} libraries"
            self._view.damage.add("symbols", said, self.offsets[position], fatal=True)

    def table(self) -> SymbolTable:
        return SymbolTable(
            names=tuple(self.names),
            values=self.values,
            kinds=bytes(self.kinds),
            bindings=bytes(self.bindings),
            visibilities=bytes(self.visibilities),
            defined=bytes(self.defined),
            offsets=self.offsets,
            libraries=self.libraries,
            library_names=(None, *self._names),
            forwards=self.forwards,
        )


def read_symbols(view: MachoView, libraries: tuple[str, ...], fixups: Fixups) -> Symbols:
    """Exports from the trie and imports from the fixups; either from the symbol table where those are not there."""
    trie = read_trie(view)
    told = fixups.kind in (FixupKind.CHAINED, FixupKind.DYLD_INFO)
    listed = read_nlist(view, defined=trie is None, undefined=not told)
    columns = _Columns(view, libraries)
    kind_at = _kinds(view)
    base = view.base()
    for one in trie or ():
        _add_export(columns, one, base, kind_at)
    for entry in listed:
        if entry.defined:
            kind = kind_at(entry.address)
            columns.add(
                entry.name, entry.address, kind, entry.offset, defined=True, weak=entry.weak, hidden=entry.hidden
            )
    for wanted in fixups.imports:
        columns.add(wanted.name, 0, _UNTYPED, wanted.offset, defined=False, weak=wanted.weak)
        columns.bind(wanted.ordinal)
    flat = HeaderFlags.TWOLEVEL not in view.flags
    for entry in listed:
        if not entry.defined:
            columns.add(entry.name, 0, _UNTYPED, entry.offset, defined=False, weak=entry.weak)
            columns.bind(_FLAT if flat else entry.ordinal)
    return Symbols(columns.table(), tuple(columns.lookups))


def _add_export(columns: _Columns, one: Export, base: int, kind_at: Callable[[int], int]) -> None:
    weak = bool(one.flags & WEAK)
    if one.flags & REEXPORT:
        columns.add(one.name, 0, _UNTYPED, one.offset, defined=True, weak=weak)
        columns.bind(one.ordinal)
        columns.forwards[len(columns.names) - 1] = one.imported or one.name
        return
    address = one.address if one.flags & KIND_MASK == ABSOLUTE else base + one.address
    if one.flags & STUB_AND_RESOLVER:
        kind = _KINDS[SymbolKind.IFUNC]
    elif one.flags & KIND_MASK == THREAD_LOCAL:
        kind = _KINDS[SymbolKind.TLS]
    else:
        kind = kind_at(address)
    columns.add(one.name, address, kind, one.offset, defined=True, weak=weak)


def _kinds(view: MachoView) -> Callable[[int], int]:
    """Function, data or thread-local variable, by the section an address lies in."""
    code = [(s.address, s.address + s.size) for s in view.sections if "x" in s.flags]
    local = [(s.address, s.address + s.size) for s in view.sections if s.kind == "thread-local variables"]

    def kind_at(address: int) -> int:
        for first, last in code:
            if first <= address < last:
                return _FUNCTION
        return _TLS if any(first <= address < last for first, last in local) else _OBJECT

    return kind_at
