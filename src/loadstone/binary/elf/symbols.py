"""The dynamic symbol table, as columns, found without section headers.

The table does not say how long it is. Its length is the largest of what others say about it: the GNU hash table
(highest bucket, then its chain to the end mark), DT_HASH (buckets and chains, and nchain, which no loader reads), the
highest symbol a relocation uses, and, as a second opinion, the section of that place. An image that exports nothing has
an empty GNU hash table, so no single one of these is enough. Sources: gABI chapter 5 "Symbol Table",
"Hash Table"; binutils bfd/elflink.c for the GNU hash.
"""

from __future__ import annotations

from array import array
from typing import Final

from loadstone.binary.elf.dynamic import DynamicTag
from loadstone.binary.elf.facts import DynamicTable
from loadstone.binary.elf.view import ElfView
from loadstone.binary.strings import StringTable
from loadstone.core.image import SymbolBinding, SymbolKind, SymbolTable, Visibility

__all__ = ["columns", "count_symbols", "read_symbols"]

_CHAIN_STEP: Final = 4096  # bytes of a hash chain read at a time

_WIDE_HASH_MACHINES: Final = frozenset({0x9026, 22})  # Alpha and 64-bit S/390: DT_HASH in 8-byte words


def _translation(order: tuple[str, ...], known: dict[int, str], default: str, low: bool) -> bytes:
    """A table for bytes.translate from one byte of a symbol to the position of its meaning in an enum."""
    nibbles = (byte & 0xF if low else byte >> 4 for byte in range(256))
    return bytes(order.index(known.get(nibble, default)) for nibble in nibbles)


_KINDS: Final = _translation(
    tuple(SymbolKind),
    {
        0: SymbolKind.UNTYPED,
        1: SymbolKind.OBJECT,
        2: SymbolKind.FUNCTION,
        3: SymbolKind.SECTION,
        4: SymbolKind.FILE,
        5: SymbolKind.COMMON,
        6: SymbolKind.TLS,
        10: SymbolKind.IFUNC,
    },
    SymbolKind.OTHER,
    low=True,
)

_BINDINGS: Final = _translation(
    tuple(SymbolBinding),
    {0: SymbolBinding.LOCAL, 1: SymbolBinding.GLOBAL, 2: SymbolBinding.WEAK, 10: SymbolBinding.UNIQUE},
    SymbolBinding.OTHER,
    low=False,
)

_VISIBILITIES: Final = bytes(
    tuple(Visibility).index((Visibility.DEFAULT, Visibility.INTERNAL, Visibility.HIDDEN, Visibility.PROTECTED)[b & 3])
    for b in range(256)
)

_NONZERO: Final = bytes([0]) + bytes([1]) * 255


_POINTERS: Final = (
    DynamicTag.HASH,
    DynamicTag.STRTAB,
    DynamicTag.RELA,
    DynamicTag.REL,
    DynamicTag.JMPREL,
    DynamicTag.RELR,
    DynamicTag.INIT,
    DynamicTag.FINI,
    DynamicTag.INIT_ARRAY,
    DynamicTag.FINI_ARRAY,
    DynamicTag.PREINIT_ARRAY,
    DynamicTag.GNU_HASH,
    DynamicTag.VERSYM,
    DynamicTag.VERDEF,
    DynamicTag.VERNEED,
)


def count_symbols(view: ElfView, dynamic: DynamicTable, by_tag: dict[int, int], used: int, listed: int) -> int:
    """How many symbols there are: as many as lookups can reach, relocations use, and others credibly speak of.

    ``used`` is what the relocations prove, ``listed`` what the section headers say. DT_HASH's nchain and the section
    are read by no loader; they are believed as far as there is room before the next table.
    """
    address = by_tag.get(DynamicTag.SYMTAB)
    found = view.place(address) if address is not None else None
    if address is None or found is None:
        return used
    limit = found[1] // view.layout.symbol_size
    chains, reached = _hash_count(view, dynamic, by_tag, limit)
    following = min((by_tag[tag] for tag in _POINTERS if by_tag.get(tag, 0) > address), default=None)
    room = limit if following is None else min(limit, (following - address) // view.layout.symbol_size)
    for who, count, told_at in (
        ("nchain of DT_HASH", chains, DynamicTag.HASH),
        ("the section headers", listed, DynamicTag.SYMTAB),
    ):
        if count > room:
            said = f"{who} speaks of {count}, there is room for {room}"
            view.damage.add("symbol table", said, dynamic.place(told_at))
    return max(used, reached, _gnu_hash_count(view, dynamic, by_tag, limit), min(chains, room), min(listed, room))


def _highest(column: array[int], limit: int) -> int:
    """The highest symbol number that is one; others lead loaders nowhere."""
    highest = max(column, default=0)
    return highest if highest < limit else max((number for number in column if number < limit), default=0)


def _hash_count(view: ElfView, dynamic: DynamicTable, by_tag: dict[int, int], limit: int) -> tuple[int, int]:
    """What nchain says, and one past the last symbol that buckets and chains lead to where only they are used."""
    address = by_tag.get(DynamicTag.HASH)
    if address is None:
        return 0, 0
    wide = view.layout.bits == 64 and view.machine in _WIDE_HASH_MACHINES
    code, word = ("Q", 8) if wide else ("I", 4)
    used = DynamicTag.GNU_HASH not in by_tag  # else no loader looks into this one
    offset, data = view.table("hash table", address, 2 * word, dynamic.place(DynamicTag.HASH), used=used)
    header = view.layout.integers(code, data)
    if len(header) < 2:
        return 0, 0
    buckets, chains = header
    if not used:
        return chains, 0
    end = view.place(address)[1] if data else 0  # type: ignore[index]  # there is data, so there is a place
    read = view.layout.integers(code, view.cursor.upto(offset + 2 * word, min(buckets * word, end)))
    first, known = offset + (2 + buckets) * word, 0
    reached = _highest(read, limit) + 1 if read else 0
    while known < reached:
        links = view.layout.integers(code, view.cursor.upto(first + known * word, (reached - known) * word))
        known = reached
        reached = max(reached, _highest(links, limit) + 1)
    return chains, reached


def _gnu_hash_count(view: ElfView, dynamic: DynamicTable, by_tag: dict[int, int], limit: int) -> int:
    address = by_tag.get(DynamicTag.GNU_HASH)
    if address is None:
        return 0
    told_at = dynamic.place(DynamicTag.GNU_HASH)
    layout = view.layout
    offset, data = view.table("GNU hash table", address, layout.gnu_hash.size, told_at)
    if len(data) < layout.gnu_hash.size:
        return 0
    buckets, first, bloom_words, _ = layout.gnu_hash.unpack(data)
    if bloom_words & (bloom_words - 1):
        said = f"its filter has {bloom_words} words, which is not a power of two: glibc ends the process"
        view.damage.add("GNU hash table", said, offset + 8, fatal=True)
    bucket_address = address + layout.gnu_hash.size + bloom_words * layout.word_size
    if not buckets:
        return 0
    _, data = view.table("GNU hash table", bucket_address, 4 * buckets, told_at)
    highest = _highest(layout.integers("I", data), limit)
    if highest < first or not highest:  # nothing is exported
        return 0
    return _end_of_chain(view, bucket_address + 4 * (buckets + highest - first), offset, highest)


def _end_of_chain(view: ElfView, address: int, table_offset: int, symbol: int) -> int:
    """One past the last symbol of the chain that begins at ``address`` with ``symbol``: the entry with bit 0 set."""
    found, last = view.place(address), symbol + 1
    if found is not None:
        offset, room = found
        for step in range(0, room, _CHAIN_STEP):
            data = view.cursor.upto(offset + step, min(_CHAIN_STEP, room - step))
            hashes = view.layout.integers("I", data)
            for position, value in enumerate(hashes):
                if value & 1:
                    return symbol + position + 1
            symbol += len(hashes)
            if len(data) < _CHAIN_STEP:
                break
    view.damage.add("GNU hash table", "its last chain is not terminated", table_offset)
    return last


def read_symbols(
    view: ElfView,
    dynamic: DynamicTable,
    by_tag: dict[int, int],
    strings: StringTable,
    count: int,
) -> SymbolTable:
    """The first ``count`` dynamic symbols, fewer when the file ends before; versions are given by the caller."""
    address = by_tag.get(DynamicTag.SYMTAB)
    if address is None and by_tag:
        view.damage.add("symbol table", "there is no DT_SYMTAB, and loaders use it unasked", dynamic.offset, fatal=True)
    if address is None or not count:
        return SymbolTable()
    size = view.layout.symbol_size
    offset, data = view.table("symbol table", address, count * size, dynamic.place(DynamicTag.SYMTAB), bounding=False)
    return columns(view, offset, data[: len(data) - len(data) % size], strings)


def columns(view: ElfView, offset: int, data: bytes, strings: StringTable) -> SymbolTable:
    """The rows of a symbol table as columns; ``offset`` is where they are in the file."""
    size = view.layout.symbol_size
    wide = view.layout.bits == 64
    halves = view.layout.integers("I", data)
    words = view.layout.words(data)
    # 64: name info other shndx value size; 32: name value size info other shndx
    info = 4 if wide else 12
    defined = int.from_bytes(data[info + 2 :: size], "little") | int.from_bytes(data[info + 3 :: size], "little")
    names, missing = strings.column(halves[0 :: size // 4])
    if missing:
        view.damage.add("symbol table", f"{missing} names lie outside the string table", offset)
    return SymbolTable(
        names=names,
        values=words[1 :: 3 if wide else 4],
        sizes=words[2 :: 3 if wide else 4],
        kinds=data[info::size].translate(_KINDS),
        bindings=data[info::size].translate(_BINDINGS),
        visibilities=data[info + 1 :: size].translate(_VISIBILITIES),
        defined=defined.to_bytes(len(names), "little").translate(_NONZERO),
        offset=offset,
        entry_size=size,
    )
