"""Object files of Windows: COFF, its kind for many sections (``/bigobj``), and the members of import libraries.

Sources: "PE Format", sections "COFF File Header (Object and Image)", "COFF Symbol Table", "COFF String Table" and
"Import Library Format"; winnt.h, ANON_OBJECT_HEADER_BIGOBJ. A loader never sees one, so there is no more to it than
symbols and sections.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from loadstone.binary.budget import ReadBudget
from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.pe.layout import COFF_HEADER, SECTION_HEADER, SectionFlags, machine
from loadstone.binary.strings import StringTable
from loadstone.binary.terms import with_terms
from loadstone.core.claims import Location
from loadstone.core.image import (
    ByteOrder,
    CheckState,
    Dependency,
    DependencyKind,
    Format,
    HardeningFact,
    Image,
    ImageKind,
    ImageSymbol,
    Machine,
    Section,
    SymbolBinding,
    SymbolKind,
    SymbolTable,
)
from loadstone.core.limits import MAX_NAME_LENGTH, MAX_TABLE_SIZE
from loadstone.quick_dataclass import dataclass

__all__ = ["read_coff", "read_import"]

_BIG_HEADER: Final = Struct("<HHHHI16s16xIII")  # 0, 0xFFFF, version, machine, time, class, sections, symbols, count
_SYMBOL: Final = Struct("<8sIhHBB")  # name value section type class auxiliary-records
_BIG_SYMBOL: Final = Struct("<8sIiHBB")
_IMPORT: Final = Struct("<HHHHIIHH")  # 0, 0xFFFF, version, machine, time, size of the texts, ordinal, kind
_TEXTS: Final = 3  # symbol, DLL, and what follows the NUL behind it
_EXTERNAL, _WEAK = 2, 105  # IMAGE_SYM_CLASS_*
_FUNCTION: Final = 0x20  # IMAGE_SYM_DTYPE_FUNCTION, in the upper half of the type
_WIDE: Final = frozenset({"x86-64", "aarch64", "arm64ec", "arm64x", "ia64"})
_NOT_LINKED: Final = "not linked yet: the link editor decides"


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where the parts of one object are, and how long its symbols are."""

    machine: int
    sections: int
    sections_at: int
    symbols_at: int
    symbols: int
    symbol: Struct


def read_coff(cursor: Cursor, damage: DamageLog) -> Image:
    """The object in ``cursor``: sections, and symbols of external and weak kind.

    Raises:
        MalformedImage: the header is cut off; with a strict ``damage`` log, at the first contradiction.
    """
    shape = _shape(cursor)
    sections = _sections(cursor, damage, shape)
    processor = machine(shape.machine)
    return Image(
        path=cursor.path,
        format=Format.PE,
        size=cursor.size,
        machine=processor,
        bits=64 if processor.name in _WIDE else 32,
        byte_order=ByteOrder.LITTLE,
        kind=ImageKind.OBJECT,
        sections=sections,
        symbols=SymbolTable.of(_symbols(cursor, damage, shape)),
        hardening=_hardening(cursor, processor),
        damage=damage.entries(),
        slice_offset=cursor.start,
    )


def _shape(cursor: Cursor) -> _Shape:
    start = cursor.start
    code, sections, _, symbols_at, symbols, optional, _ = cursor.unpack(COFF_HEADER, start)
    if code or sections != 0xFFFF:
        at = start + COFF_HEADER.size + optional
        return _Shape(code, sections, at, start + symbols_at, symbols, _SYMBOL)
    _, _, _, code, _, _, sections, symbols_at, symbols = cursor.unpack(_BIG_HEADER, start)
    return _Shape(code, sections, start + _BIG_HEADER.size, start + symbols_at, symbols, _BIG_SYMBOL)


def _strings(cursor: Cursor, shape: _Shape) -> StringTable:
    at = shape.symbols_at + shape.symbols * shape.symbol.size
    size = int.from_bytes(cursor.upto(at, 4), "little")
    return StringTable(cursor.upto(at, min(size, MAX_TABLE_SIZE)), at)


def _name(raw: bytes, strings: StringTable) -> str | None:
    """A short name as it stands, or the one at a place in the string table."""
    if raw[:4] == bytes(4):
        return strings.at(int.from_bytes(raw[4:], "little"))
    if raw[:1] == b"/" and raw[1:].rstrip(b"\0").isdigit():
        return strings.at(int(raw[1:].rstrip(b"\0")))
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _sections(cursor: Cursor, damage: DamageLog, shape: _Shape) -> tuple[Section, ...]:
    data = cursor.upto(shape.sections_at, shape.sections * SECTION_HEADER.size)
    if len(data) < shape.sections * SECTION_HEADER.size:
        damage.add("section table", f"cut off: {shape.sections} sections do not fit the file", shape.sections_at)
        data = data[: len(data) - len(data) % SECTION_HEADER.size]
    strings = _strings(cursor, shape)
    found = []
    for number, (name, _, address, size, offset, *_, flags) in enumerate(SECTION_HEADER.iter_unpack(data)):
        letters = ((SectionFlags.READ, "r"), (SectionFlags.WRITE, "w"), (SectionFlags.EXECUTE, "x"))
        found.append(
            Section(
                name=_name(name, strings) or "",
                kind="code" if flags & SectionFlags.CODE else "bss" if flags & SectionFlags.UNINITIALISED else "data",
                flags="".join(letter if flags & bit else "-" for bit, letter in letters),
                offset=cursor.start + offset if offset else 0,
                size=size,
                address=address,
                header_offset=shape.sections_at + number * SECTION_HEADER.size,
            )
        )
    return tuple(found)


def _symbols(cursor: Cursor, damage: DamageLog, shape: _Shape) -> list[ImageSymbol]:
    """External and weak symbols; each auxiliary record behind one is passed over."""
    size, budget = shape.symbol.size, ReadBudget(cursor.size)
    data = cursor.upto(shape.symbols_at, shape.symbols * size) if shape.symbols_at > cursor.start else b""
    if shape.symbols and len(data) < shape.symbols * size:
        damage.add("symbol table", f"{shape.symbols} symbols do not fit the file", shape.symbols_at)
    strings = _strings(cursor, shape)
    found: list[ImageSymbol] = []
    at = 0
    while at + size <= len(data) and budget.items():
        raw, value, section, kind, storage, extra = shape.symbol.unpack_from(data, at)
        if storage in (_EXTERNAL, _WEAK):
            name = _name(raw, strings)
            if name is None:
                damage.add("symbol table", "a name lies outside the string table", shape.symbols_at + at)
            common = storage == _EXTERNAL and not section and value
            function = SymbolKind.FUNCTION if kind & _FUNCTION else SymbolKind.UNTYPED
            found.append(
                ImageSymbol(
                    name=name or "",
                    kind=SymbolKind.COMMON if common else function,
                    binding=SymbolBinding.WEAK if storage == _WEAK else SymbolBinding.GLOBAL,
                    defined=section != 0 or bool(common),
                    value=value,
                    offset=shape.symbols_at + at,
                )
            )
        at += size * (1 + extra)
    return found


def read_import(cursor: Cursor, damage: DamageLog) -> Image:
    """One member of an import library: a symbol, and the DLL that has it.

    Raises:
        MalformedImage: the header is cut off; with a strict ``damage`` log, at the first contradiction.
    """
    _, _, _, code, _, size, ordinal, kind = cursor.unpack(_IMPORT, cursor.start)
    begin = cursor.start + _IMPORT.size
    texts = cursor.upto(begin, min(size, 2 * MAX_NAME_LENGTH)).split(b"\0")
    if len(texts) < _TEXTS:
        damage.add("import object", "the names of symbol and DLL are not terminated", begin)
        texts += [b""] * _TEXTS
    symbol, library = (text.decode("utf-8", "surrogateescape") for text in texts[:2])
    wanted = symbol if kind >> 2 & 7 else f"#{ordinal}"
    processor = machine(code)
    offered = ImageSymbol(
        name=symbol,
        kind=SymbolKind.UNTYPED if kind & 3 else SymbolKind.FUNCTION,
        offset=begin,
        library=library,
        forward=f"{library.rpartition('.')[0] or library}.{wanted}",
    )
    return Image(
        path=cursor.path,
        format=Format.PE,
        size=cursor.size,
        machine=processor,
        bits=64 if processor.name in _WIDE else 32,
        byte_order=ByteOrder.LITTLE,
        kind=ImageKind.OBJECT,
        needed=(Dependency(library, DependencyKind.FORWARD, begin, symbols=(wanted,)),),
        symbols=SymbolTable.of([offered]),
        damage=damage.entries(),
        slice_offset=cursor.start,
    )


def _hardening(cursor: Cursor, processor: Machine) -> tuple[HardeningFact, ...]:
    place = Location.bytes(cursor.path or "<bytes>", cursor.start, 2)
    names = ["pie", "executable-stack", "rwx-segment", "control-flow-guard", "signature"]
    names += ["shadow-stack"] if processor.name == "x86-64" else []
    return with_terms(Format.PE, (HardeningFact(name, CheckState.NOT_APPLICABLE, _NOT_LINKED, place) for name in names))
