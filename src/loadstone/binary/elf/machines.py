"""Processors: their names, and the relocation numbers that say how a symbol is needed.

Sources: System V gABI "e_machine"; the processor supplements (psABI) of each for relocation numbers; glibc's elf.h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from loadstone.core.image import Machine

__all__ = ["Relocations", "machine", "relocations"]

_X86_64: Final = 62

_NAMES: Final = {
    2: "sparc",
    3: "i386",
    4: "m68k",
    8: "mips",
    15: "parisc",
    18: "sparc32plus",
    20: "ppc",
    21: "ppc64",
    22: "s390",
    40: "arm",
    42: "sh",
    43: "sparcv9",
    50: "ia64",
    _X86_64: "x86-64",
    183: "aarch64",
    189: "microblaze",
    190: "cuda",
    195: "arc",
    224: "amdgpu",
    243: "riscv",
    247: "bpf",
    252: "csky",
    258: "loongarch",
    0x9026: "alpha",
}


@dataclass(frozen=True, slots=True)
class Relocations:
    """The numbers of one processor; an empty set where it has no such relocation or none is known."""

    relative: frozenset[int] = frozenset()
    jump_slot: frozenset[int] = frozenset()
    copy: frozenset[int] = frozenset()
    irelative: frozenset[int] = frozenset()
    tls_offset: frozenset[int] = frozenset()  # initial-exec thread-local storage


def _numbers(relative: int, jump_slot: int, copy: int, irelative: int | None, *tls_offset: int) -> Relocations:
    indirect = frozenset() if irelative is None else frozenset({irelative})
    return Relocations(
        frozenset({relative}), frozenset({jump_slot}), frozenset({copy}), indirect, frozenset(tls_offset)
    )


_SPARC: Final = _numbers(22, 21, 19, 249, 78, 79)
_NONE: Final = Relocations()

_RELOCATIONS: Final = {
    2: _SPARC,
    3: _numbers(8, 7, 5, 42, 14, 37),
    4: _numbers(22, 21, 19, None, 42),
    8: _numbers(3, 127, 126, None, 47, 48),
    18: _SPARC,
    20: _numbers(22, 21, 19, 248, 73),
    21: _numbers(22, 21, 19, 248, 73),
    22: _numbers(12, 11, 9, 61, 56),
    40: _numbers(23, 22, 20, 160, 19),
    43: _SPARC,
    _X86_64: _numbers(8, 7, 5, 37, 18, 23),
    183: _numbers(1027, 1026, 1024, 1032, 1030),
    243: _numbers(3, 5, 4, 58, 10, 11),
    258: _numbers(3, 5, 4, 12, 10, 11),
}


def machine(code: int, bits: int) -> Machine:
    """The processor of that ``e_machine``; x86-64 code in a 32-bit file is the x32 interface.

    >>> machine(62, 64).name
    'x86-64'
    >>> machine(0xFFFF, 64).name
    'machine 65535'
    """
    if code == _X86_64 and bits == 32:
        return Machine(code, "x32")
    return Machine(code, _NAMES.get(code, f"machine {code}"))


def relocations(code: int) -> Relocations:
    """What the relocation numbers of that ``e_machine`` mean."""
    return _RELOCATIONS.get(code, _NONE)
