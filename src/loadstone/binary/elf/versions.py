"""Symbol versions: what is needed of whom, what is offered, and which symbol carries which.

Source: Linux Standard Base Core, "Symbol Versioning"; Ulrich Drepper, "ELF Symbol Versioning". The records are chained
by relative links. Like loaders, a walk ends at a zero link, whatever the count says (glibc elf/dl-version.c, musl
ldso/dynlink.c checkver); the records of one image are bounded together, so that a ring ends too.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from struct import Struct
from typing import Any, Final

from loadstone.binary.elf.dynamic import DynamicTag
from loadstone.binary.elf.facts import DynamicTable
from loadstone.binary.elf.view import ElfView
from loadstone.binary.strings import StringTable
from loadstone.core.image import SymbolVersion, VersionDefinition, VersionNeed
from loadstone.core.limits import MAX_VERSION_NODES

__all__ = ["read_definitions", "read_needs", "read_version_indexes", "version_column"]

_VER_FLG_BASE: Final = 1
_VER_FLG_WEAK: Final = 2
_HIDDEN: Final = 0x8000
_WINDOW: Final = 16 << 10  # bytes read at once, more than any real version section but glibc's and Qt's need
_FIRST_NAMED: Final = 2  # 0 is local, 1 is global without a version


class _Records:
    """The version section from where it starts to the end of its segment, walked along its links."""

    __slots__ = ("_data", "_field", "_left", "_room", "_view", "offset")

    def __init__(self, view: ElfView, field: str, address: int, told_at: int) -> None:
        self._view = view
        self._field = field
        self._left = MAX_VERSION_NODES
        self._room = (view.place(address) or (0, 0))[1]
        self.offset, self._data = view.table(field, address, min(self._room, _WINDOW) or None, told_at)

    def _fields(self, layout: Struct, position: int) -> tuple[Any, ...] | None:
        """One record; None where the segment or the file ends before it does."""
        if position + layout.size <= len(self._data):
            return layout.unpack_from(self._data, position)
        data = b""
        if position + layout.size <= self._room:
            data = self._view.cursor.upto(self.offset + position, layout.size)
        return layout.unpack(data) if len(data) == layout.size else None

    def chain(self, layout: Struct, position: int, count: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """``(position, fields)`` of each record; the last field is the link to the next, ``count`` what is said."""
        first, turn = position, 0
        while True:
            fields = self._fields(layout, position) if self._left > 0 else None
            if fields is None:
                what = f"record {turn + 1} lies outside" if self._left > 0 else "its records are not terminated"
                self._view.damage.add(self._field, what, self.offset + position, fatal=True)
                self._left = 0
                return
            self._left -= 1
            turn += 1
            yield position, fields
            if not fields[-1]:
                break
            position += fields[-1]
        if turn != count:
            self._view.damage.add(
                self._field, f"{count} records are said to be chained, {turn} are", self.offset + first
            )


def _name(view: ElfView, strings: StringTable, field: str, position: int, at: int) -> str:
    name = strings.at(position)
    if name is None:
        view.damage.add(field, f"its name at {position:#x} lies outside the string table", at, fatal=True)
        return ""
    return name


def read_needs(
    view: ElfView, dynamic: DynamicTable, by_tag: dict[int, int], strings: StringTable
) -> tuple[VersionNeed, ...]:
    """Every version wanted, in file order, with the file it is wanted of."""
    address = by_tag.get(DynamicTag.VERNEED)
    if address is None:
        return ()
    records = _Records(view, "needed versions", address, dynamic.place(DynamicTag.VERNEED))
    layout, found = view.layout, []
    for position, (_, count, file, first, _) in records.chain(layout.verneed, 0, by_tag.get(DynamicTag.VERNEEDNUM, 0)):
        file_name = _name(view, strings, "needed version", file, records.offset + position)
        for at, (digest, flags, index, name, _) in records.chain(layout.vernaux, position + first, count):
            offset = records.offset + at
            version = _name(view, strings, "needed version", name, offset)
            found.append(VersionNeed(file_name, version, index & ~_HIDDEN, bool(flags & _VER_FLG_WEAK), digest, offset))
    return tuple(found)


def read_definitions(
    view: ElfView, dynamic: DynamicTable, by_tag: dict[int, int], strings: StringTable
) -> tuple[VersionDefinition, ...]:
    """Every version offered, in file order, with the versions it continues."""
    address = by_tag.get(DynamicTag.VERDEF)
    if address is None:
        return ()
    records = _Records(view, "defined versions", address, dynamic.place(DynamicTag.VERDEF))
    layout, found = view.layout, []
    chain = records.chain(layout.verdef, 0, by_tag.get(DynamicTag.VERDEFNUM, 0))
    for position, (_, flags, index, count, digest, first, _) in chain:
        offset = records.offset + position
        names = [
            _name(view, strings, "defined version", name, records.offset + at)
            for at, (name, _) in records.chain(layout.verdaux, position + first, count)
        ]
        found.append(
            VersionDefinition(
                name=names[0] if names else "",
                index=index & ~_HIDDEN,
                base=bool(flags & _VER_FLG_BASE),
                weak=bool(flags & _VER_FLG_WEAK),
                hash=digest,
                parents=tuple(names[1:]),
                offset=offset,
            )
        )
    return tuple(found)


def read_version_indexes(view: ElfView, dynamic: DynamicTable, by_tag: dict[int, int], count: int) -> array[int]:
    """The DT_VERSYM column of ``count`` symbols, as written; empty without one."""
    address = by_tag.get(DynamicTag.VERSYM)
    if address is None or not count:
        return array("H")
    _, data = view.table("symbol versions", address, 2 * count, dynamic.place(DynamicTag.VERSYM), bounding=False)
    return view.layout.integers("H", data)


def version_column(
    view: ElfView,
    indexes: array[int],
    defined: bytes,
    needs: tuple[VersionNeed, ...],
    definitions: tuple[VersionDefinition, ...],
    told_at: int,
) -> tuple[list[int], tuple[SymbolVersion | None, ...]]:
    """Positions into a list of versions for every symbol, and that list; position 0 is "no version"."""
    if len(indexes) < len(defined):
        return [], (None,)
    wanted = {need.index: need for need in needs}
    offered = {definition.index: definition for definition in definitions}
    versions: list[SymbolVersion | None] = [None]
    position_of: dict[int, int] = {}
    unknown = 0
    for index in sorted(set(indexes)):
        plain = index & ~_HIDDEN
        if plain < _FIRST_NAMED:
            position_of[index] = 0
        elif plain in wanted:
            need = wanted[plain]
            position_of[index] = len(versions)
            versions.append(SymbolVersion(need.name, need.file, is_default=index < _HIDDEN))
        elif plain in offered:
            position_of[index] = len(versions)
            versions.append(SymbolVersion(offered[plain].name, None, is_default=index < _HIDDEN))
        else:
            position_of[index] = 0
            unknown += 1
    if unknown:
        view.damage.add("symbol versions", f"{unknown} version numbers name no version of the file", told_at)
    return [position_of[index] for index in indexes[: len(defined)]], tuple(versions)
