"""What a Mach-O image wants from others, in the loader's own words: chained fixups, or dyld info opcodes.

Sources: mach-o/fixup-chains.h; mach-o/loader.h, dyld_info_command and BIND_OPCODE_*.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from loadstone.binary.macho.facts import FixupKind
from loadstone.binary.macho.layout import LoadCommandKind
from loadstone.binary.macho.leb import uleb
from loadstone.binary.macho.view import MachoView
from loadstone.core.limits import MAX_STRING_LENGTH
from loadstone.quick_dataclass import dataclass

__all__ = ["Fixups", "Import", "read_fixups"]

_IMPORT_SIZES: Final = {1: 4, 2: 8, 3: 16}  # DYLD_CHAINED_IMPORT, with addend, with 64-bit addend
_SYMBOLS_ZLIB: Final = 1
_MAX_SEGMENTS: Final = 256
_ITEMS_A_BINDING: Final = 4  # opcodes, name, symbol table entry, and the pointer that is bound


class Import(NamedTuple):
    """One symbol wanted. ``ordinal`` counts dylib commands from 1; 0 and below are the special ones of loader.h."""

    name: str
    ordinal: int
    weak: bool  # may be missing
    lazy: bool  # bound at the first call
    offset: int  # of the entry or opcode, in the file


@dataclass(frozen=True, slots=True)
class Fixups:
    """How addresses are patched, and every import that takes. ``coalesced`` ones are looked for in every image."""

    kind: FixupKind = FixupKind.NONE
    imports: tuple[Import, ...] = ()
    pointer_formats: tuple[int, ...] = ()


def read_fixups(view: MachoView) -> Fixups:
    """The fixups of the image, by whichever of the two mechanisms it uses."""
    chained = view.first(LoadCommandKind.DYLD_CHAINED_FIXUPS)
    if chained is not None:
        return _chained(view, view.number(chained, 8), view.number(chained, 12), chained.offset)
    info = view.first(LoadCommandKind.DYLD_INFO_ONLY, LoadCommandKind.DYLD_INFO)
    if info is not None:
        found: dict[tuple[str, int], Import] = {}
        for name, at, lazy in (("bind opcodes", 16, False), ("lazy bind opcodes", 32, True)):
            place, data = view.table(name, view.number(info, at), view.number(info, at + 4), info.offset)
            for one in _opcodes(view, name, place, data, lazy=lazy):
                found.setdefault((one.name, one.ordinal), one)
        return Fixups(FixupKind.DYLD_INFO, tuple(found.values()))
    return Fixups(FixupKind.CLASSIC) if view.first(LoadCommandKind.DYSYMTAB) else Fixups()


def _chained(view: MachoView, offset: int, size: int, told_at: int) -> Fixups:
    place, data = view.table("chained fixups", offset, size, told_at)
    header = Struct(view.layout.mark + "IIIIIII")
    if len(data) < header.size:
        view.damage.add("chained fixups", "the header is cut off", place, fatal=True)
        return Fixups(FixupKind.CHAINED)
    _, starts, imports, symbols, count, form, packing = header.unpack_from(data)
    text = data[symbols:]
    if packing == _SYMBOLS_ZLIB:
        text = _inflated(view, text, place + symbols)
    row = _IMPORT_SIZES.get(form)
    if row is None:
        view.damage.add("chained fixups", f"imports of unknown format {form}", place + 20, fatal=True)
        return Fixups(FixupKind.CHAINED)
    fit = min(count, max(len(data) - imports, 0) // row)
    if fit < count or not view.budget.items(fit):
        view.damage.add("chained fixups", f"{count} imports do not fit", place + 16, fatal=True)
        fit = min(fit, view.budget.items_left)
    entries = data[imports : imports + fit * row]
    wanted = tuple(_chained_imports(view, form, entries, text, place + imports))
    return Fixups(FixupKind.CHAINED, wanted, _pointer_formats(view, data, starts))


def _inflated(view: MachoView, packed: bytes, place: int) -> bytes:
    """The unpacked names, never more than twice the file and some."""
    unpacker = zlib.decompressobj()
    try:
        return unpacker.decompress(packed, 2 * view.cursor.size + MAX_STRING_LENGTH)
    except zlib.error as error:
        view.damage.add("chained fixups", f"the names cannot be unpacked: {error}", place, fatal=True)
        return b""


def _chained_imports(view: MachoView, form: int, entries: bytes, text: bytes, place: int) -> Iterator[Import]:
    row = _IMPORT_SIZES[form]
    for at in range(0, len(entries), row):
        if form == 3:
            value = view.layout.number(entries, at, 8)
            ordinal, weak, name_at = _signed(value & 0xFFFF, 16), bool(value >> 16 & 1), value >> 32
        else:
            value = view.layout.number(entries, at)
            ordinal, weak, name_at = _signed(value & 0xFF, 8), bool(value >> 8 & 1), value >> 9
        end = text.find(b"\0", name_at, name_at + MAX_STRING_LENGTH)
        if end < 0 or not view.budget.characters(end - name_at):
            view.damage.add("chained fixups", f"the name at {name_at:#x} is missing, or not terminated", place + at)
            continue
        yield Import(text[name_at:end].decode("utf-8", "surrogateescape"), ordinal, weak, lazy=False, offset=place + at)


def _signed(ordinal: int, bits: int) -> int:
    """The few highest ordinals stand for the special ones -1, -2 and -3 (fixup-chains.h)."""
    return ordinal - (1 << bits) if ordinal > (1 << bits) - 16 else ordinal


def _pointer_formats(view: MachoView, data: bytes, starts: int) -> tuple[int, ...]:
    number = view.layout.number
    count = min(number(data, starts), _MAX_SEGMENTS)
    formats = []
    for segment in range(count):
        begin = number(data, starts + 4 + 4 * segment)
        if begin and starts + begin + 8 <= len(data):
            formats.append(number(data, starts + begin + 6, 2))
    return tuple(formats)


_DONE, _ORDINAL, _ORDINAL_LONG, _SPECIAL, _SYMBOL, _TYPE, _ADDEND, _SEGMENT, _ADD = range(0, 0x90, 0x10)
_BIND, _BIND_ADD, _BIND_SCALED, _BIND_TIMES, _THREADED = range(0x90, 0xE0, 0x10)
_OPERANDS: Final = {_ADDEND: 1, _SEGMENT: 1, _ADD: 1, _BIND_ADD: 1, _BIND_TIMES: 2}
_WEAK_IMPORT: Final = 1  # BIND_SYMBOL_FLAGS_WEAK_IMPORT
_BINDS: Final = frozenset({_BIND, _BIND_ADD, _BIND_SCALED, _BIND_TIMES})


def _opcodes(view: MachoView, name: str, place: int, data: bytes, *, lazy: bool) -> Iterator[Import]:
    """Run a stream of bind opcodes as far as the names in it; where each one is written does not matter here.

    A lazy stream holds one small program a symbol, each ended by DONE; in the other one DONE ends it all.
    """
    at, ordinal, symbol, weak, told = 0, 0, "", False, False
    while at < len(data):
        begin, opcode, operand = at, data[at] & 0xF0, data[at] & 0xF
        at += 1
        try:
            if opcode == _DONE:
                if not lazy:
                    return
            elif opcode == _ORDINAL:
                ordinal, told = operand, False
            elif opcode == _ORDINAL_LONG:
                (ordinal, at), told = uleb(data, at), False
            elif opcode == _SPECIAL:
                ordinal, told = operand - 16 if operand else 0, False
            elif opcode == _SYMBOL:
                end = data.index(b"\0", at)
                if not view.budget.characters(end - at):
                    view.damage.add(name, "more text than a file of this size can hold", place + at)
                    return
                symbol, weak, at = (
                    data[at:end].decode("utf-8", "surrogateescape"),
                    bool(operand & _WEAK_IMPORT),
                    end + 1,
                )
                told = False
            elif opcode == _THREADED:
                if operand == 0:
                    _, at = uleb(data, at)
            elif opcode > _THREADED:
                view.damage.add(name, f"unknown opcode {opcode:#x}", place + begin, fatal=True)
                return
            else:
                for _ in range(_OPERANDS.get(opcode, 0)):
                    _, at = uleb(data, at)
                if opcode in _BINDS and not told:
                    told = True
                    if not view.budget.items(_ITEMS_A_BINDING):
                        view.damage.add(name, "more symbols than a file of this size can hold", place + begin)
                        return
                    yield Import(symbol, ordinal, weak, lazy, place + begin)
        except (IndexError, ValueError):
            view.damage.add(name, "the opcodes end in the middle of one", place + begin, fatal=True)
            return
