"""What differs from one machine to another for a loader: the numbers it checks and the names it makes of them.

Sources: gABI chapter 4 (e_machine, EI_CLASS, EI_DATA); glibc sysdeps ldconfig.h (cache flags), dl-hwcaps_subdirs
(subdirectory names); x86-64 psABI section 3.1.1 (micro-architecture levels).
"""

from __future__ import annotations

from typing import Final

from loadstone.core.image import ByteOrder
from loadstone.quick_dataclass import dataclass

__all__ = ["ABIS", "X86_64", "Abi", "abi_of"]


@dataclass(frozen=True, slots=True)
class Abi:
    """One application binary interface as its loader sees it.

    ``cache_flags`` is the value ldconfig writes for its libraries beside the plain ELF one; ``hwcaps`` are all the
    glibc-hwcaps subdirectories that exist for it, best first; ``loaders`` the paths its programs name in PT_INTERP.
    ``stack_executable`` says whether a file without PT_GNU_STACK asks for an executable stack.
    """

    name: str
    machine: int
    bits: int
    order: ByteOrder
    cache_flags: int
    loaders: tuple[str, ...]
    hwcaps: tuple[str, ...] = ()
    stack_executable: bool = False

    @property
    def musl_name(self) -> str:
        """What musl calls it in the name of its loader: ``ld-musl-x86_64.so.1``."""
        known = {"x86-64": "x86_64", "arm": "armhf", "ppc64le": "powerpc64le"}
        return known.get(self.name, self.name)

    @property
    def wheel_name(self) -> str:
        """What the platform tags of wheels call it; empty for one that has none."""
        known = {"x86-64": "x86_64", "i386": "i686", "arm": "armv7l", "x32": ""}
        return known.get(self.name, self.name)

    @property
    def platform(self) -> str:
        """What images of containers call it (OCI image specification: the names of Go): ``amd64``, ``arm64``."""
        known = {"x86-64": "amd64", "x32": "amd64", "i386": "386", "aarch64": "arm64", "loongarch64": "loong64"}
        return known.get(self.name, self.name)

    @property
    def address_bits(self) -> int:
        """Bits of an address a process may use by default: 47 on x86-64, 48 on other 64-bit machines."""
        return 32 if self.bits == 32 else 47 if self.machine == 62 else 48

    @property
    def header_size(self) -> int:
        return 64 if self.bits == 64 else 52

    @property
    def program_header_size(self) -> int:
        return 56 if self.bits == 64 else 32


_LITTLE, _BIG = ByteOrder.LITTLE, ByteOrder.BIG

X86_64: Final = Abi(
    "x86-64",
    62,
    64,
    _LITTLE,
    0x0303,
    ("/lib64/ld-linux-x86-64.so.2",),
    ("x86-64-v4", "x86-64-v3", "x86-64-v2"),
    stack_executable=True,
)

I386: Final = Abi("i386", 3, 32, _LITTLE, 0x0003, ("/lib/ld-linux.so.2",), stack_executable=True)

ABIS: Final = (
    X86_64,
    Abi("x32", 62, 32, _LITTLE, 0x0803, ("/libx32/ld-linux-x32.so.2",), stack_executable=True),
    I386,
    Abi("aarch64", 183, 64, _LITTLE, 0x0A03, ("/lib/ld-linux-aarch64.so.1",)),
    Abi("arm", 40, 32, _LITTLE, 0x0903, ("/lib/ld-linux-armhf.so.3", "/lib/ld-linux.so.3"), stack_executable=True),
    Abi("ppc64le", 21, 64, _LITTLE, 0x0503, ("/lib64/ld64.so.2",), ("power10", "power9")),
    Abi("s390x", 22, 64, _BIG, 0x0403, ("/lib/ld64.so.1",), ("z16", "z15", "z14", "z13"), stack_executable=True),
    Abi("riscv64", 243, 64, _LITTLE, 0x1003, ("/lib/ld-linux-riscv64-lp64d.so.1",)),
    Abi("loongarch64", 258, 64, _LITTLE, 0x1203, ("/lib64/ld-linux-loongarch-lp64d.so.1",)),
)


def abi_of(machine: int, bits: int, order: ByteOrder) -> Abi | None:
    """The interface of files with these header fields, None for one not in the table.

    >>> abi_of(183, 64, ByteOrder.LITTLE).name
    'aarch64'
    """
    return next((a for a in ABIS if (a.machine, a.bits, a.order) == (machine, bits, order)), None)
