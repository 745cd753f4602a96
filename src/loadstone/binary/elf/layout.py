"""How the four kinds of ELF file lay out their records: class (32, 64 bits) by byte order.

Sources: System V gABI chapters 4 and 5; elf(5). A table keyed by what the identification says replaces every question
about class and order further on.
"""

from __future__ import annotations

import sys
from array import array
from struct import Struct
from typing import Final

from loadstone.core.image import ByteOrder
from loadstone.quick_dataclass import dataclass

__all__ = ["LAYOUTS", "ElfLayout"]


@dataclass(frozen=True, slots=True)
class ElfLayout:
    """The records of one class and byte order. ``word`` is the array code of an address-sized integer."""

    bits: int
    order: ByteOrder
    header: Struct
    program: Struct
    section: Struct
    verneed: Struct
    vernaux: Struct
    verdef: Struct
    verdaux: Struct
    gnu_hash: Struct
    note: Struct
    word: str
    symbol_size: int

    @property
    def word_size(self) -> int:
        return self.bits // 8

    def integers(self, code: str, data: bytes) -> array[int]:
        """``data`` as an array of integers of that code (``H`` 2, ``I`` 4, ``Q`` 8 bytes); a rest is left out."""
        column: array[int] = array(code)
        column.frombytes(data[: len(data) - len(data) % column.itemsize])
        if self.order != sys.byteorder:
            column.byteswap()
        return column

    def words(self, data: bytes) -> array[int]:
        """``data`` as address-sized integers."""
        return self.integers(self.word, data)


def _layout(bits: int, order: ByteOrder) -> ElfLayout:
    mark = "<" if order is ByteOrder.LITTLE else ">"
    wide = bits == 64
    return ElfLayout(
        bits=bits,
        order=order,
        # type machine version entry phoff shoff flags ehsize phentsize phnum shentsize shnum shstrndx
        header=Struct(mark + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")),
        # 64: type flags offset vaddr paddr filesz memsz align; 32: flags stand before align
        program=Struct(mark + ("IIQQQQQQ" if wide else "IIIIIIII")),
        # name type flags addr offset size link info addralign entsize
        section=Struct(mark + ("IIQQQQIIQQ" if wide else "IIIIIIIIII")),
        verneed=Struct(mark + "HHIII"),  # version cnt file aux next
        vernaux=Struct(mark + "IHHII"),  # hash flags other name next
        verdef=Struct(mark + "HHHHIII"),  # version flags ndx cnt hash aux next
        verdaux=Struct(mark + "II"),  # name next
        gnu_hash=Struct(mark + "IIII"),  # buckets, first symbol, bloom words, bloom shift
        note=Struct(mark + "III"),  # namesz descsz type
        word="Q" if wide else "I",
        symbol_size=24 if wide else 16,
    )


LAYOUTS: Final = {
    (ei_class, ei_data): _layout(bits, order)
    for ei_class, bits in ((1, 32), (2, 64))
    for ei_data, order in ((1, ByteOrder.LITTLE), (2, ByteOrder.BIG))
}
"""By EI_CLASS and EI_DATA, the fifth and sixth byte of the file."""
