"""The records of a PE file, and the numbers in them.

Source: Microsoft, "PE Format" (learn.microsoft.com/windows/win32/debug/pe-format); winnt.h of the Windows SDK for what
that page leaves out. Everything is little-endian.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from struct import Struct
from typing import Final

from loadstone.core.image import Machine

__all__ = [
    "BOOT_SUBSYSTEMS",
    "COFF_HEADER",
    "DOS_MAGIC",
    "MACHINE_AMD64",
    "MACHINE_ARM64",
    "MACHINE_I386",
    "MAX_SECTIONS",
    "NT_SIGNATURE",
    "OPTIONAL_HEADERS",
    "SECTION_HEADER",
    "SUBSYSTEMS",
    "SYMBOL_SIZE",
    "Characteristics",
    "DirectoryIndex",
    "DllCharacteristics",
    "SectionFlags",
    "machine",
    "runtime_system",
]

DOS_MAGIC: Final = b"MZ"
NT_SIGNATURE: Final = b"PE\0\0"
LFANEW: Final = 0x3C  # where the DOS header says where the NT headers are

MAX_SECTIONS: Final = 96
"""More sections than this no Windows before Vista loads ("PE Format", NumberOfSections; corkami, 65535sects)."""

COFF_HEADER: Final = Struct("<HHIIIHH")  # machine sections timestamp symbols symbol-count optional-size characteristics
SECTION_HEADER: Final = Struct("<8sIIIIIIHHI")  # name vsize rva raw-size raw relocs lines nrelocs nlines flags
SYMBOL_SIZE: Final = 18  # one COFF symbol; the string table follows the last one

# magic, link editor version (2), sizes of code, data, bss, entry, base of code (and data in the 32-bit one),
# image base, alignments (2), versions of system, image, subsystem (2 each), reserved, image size, headers size,
# checksum, subsystem, DLL characteristics, stack and heap sizes (4), loader flags, directory count
OPTIONAL_HEADERS: Final = {
    0x10B: (32, Struct("<HBBIIIII4xIIIHHHHHHIIIIHHIIIIII")),
    0x20B: (64, Struct("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII")),
}

MACHINE_I386: Final = 0x14C
MACHINE_AMD64: Final = 0x8664
MACHINE_ARM64: Final = 0xAA64

_MACHINES: Final = {
    MACHINE_I386: "i386",
    0x162: "mips",
    0x166: "mips",
    0x184: "alpha",
    0x1A2: "sh3",
    0x1A6: "sh4",
    0x1C0: "arm",
    0x1C2: "thumb",
    0x1C4: "arm",
    0x1F0: "ppc",
    0x1F1: "ppc",
    0x200: "ia64",
    0x268: "m68k",
    0x284: "alpha64",
    0xEBC: "efi-bytecode",
    0x5032: "riscv",
    0x5064: "riscv",
    0x6232: "loongarch",
    0x6264: "loongarch",
    MACHINE_AMD64: "x86-64",
    0xA641: "arm64ec",
    0xA64E: "arm64x",
    MACHINE_ARM64: "aarch64",
}


def machine(code: int) -> Machine:
    """The processor of that IMAGE_FILE_MACHINE number.

    >>> machine(0x8664).name
    'x86-64'
    >>> machine(7).name
    'machine 0x7'
    """
    plain = code ^ _SYSTEM_MARKS.get(runtime_system(code), 0)
    return Machine(code, _MACHINES.get(plain, f"machine {code:#x}"))


_SYSTEM_MARKS: Final = {"Linux": 0x7B79, "macOS": 0x4644, "FreeBSD": 0xADC4, "NetBSD": 0x1993, "illumos": 0x1992}
"""What .NET adds by exclusive or to the machine number of an assembly compiled ahead for a system other than Windows.

Source: dotnet/runtime src/coreclr/inc/pedecoder.h, IMAGE_FILE_MACHINE_NATIVE_OS_OVERRIDE.
"""


def runtime_system(code: int) -> str:
    """The system whose .NET runtime is the only loader of an image with that machine number; empty for Windows.

    >>> runtime_system(0xFD1D), runtime_system(0x8664)
    ('Linux', '')
    """
    if code in _MACHINES:
        return ""
    return next((system for system, mark in _SYSTEM_MARKS.items() if code ^ mark in _COMPILED_AHEAD), "")


_COMPILED_AHEAD: Final = frozenset({MACHINE_I386, 0x1C4, MACHINE_AMD64, MACHINE_ARM64, 0x5064, 0x6264})
"""Processors that .NET compiles for."""


class Characteristics(IntFlag):
    """IMAGE_FILE_*: what kind of file it is."""

    RELOCS_STRIPPED = 0x1
    EXECUTABLE_IMAGE = 0x2
    LARGE_ADDRESS_AWARE = 0x20
    MACHINE_32BIT = 0x100
    DEBUG_STRIPPED = 0x200
    SYSTEM = 0x1000
    DLL = 0x2000
    UP_SYSTEM_ONLY = 0x4000


class DllCharacteristics(IntFlag):
    """IMAGE_DLLCHARACTERISTICS_*: how it wants to be loaded."""

    HIGH_ENTROPY_VA = 0x20
    DYNAMIC_BASE = 0x40
    FORCE_INTEGRITY = 0x80
    NX_COMPAT = 0x100
    NO_ISOLATION = 0x200
    NO_SEH = 0x400
    NO_BIND = 0x800
    APPCONTAINER = 0x1000
    WDM_DRIVER = 0x2000
    GUARD_CF = 0x4000
    TERMINAL_SERVER_AWARE = 0x8000


class SectionFlags(IntFlag):
    """IMAGE_SCN_*: the ones that decide how a section is mapped."""

    CODE = 0x20
    INITIALISED = 0x40
    UNINITIALISED = 0x80
    DISCARDABLE = 0x0200_0000
    SHARED = 0x1000_0000
    EXECUTE = 0x2000_0000
    READ = 0x4000_0000
    WRITE = 0x8000_0000


class DirectoryIndex(IntEnum):
    """IMAGE_DIRECTORY_ENTRY_*: positions in the table of data directories."""

    EXPORT = 0
    IMPORT = 1
    RESOURCE = 2
    EXCEPTION = 3
    CERTIFICATE = 4
    RELOCATION = 5
    DEBUG = 6
    ARCHITECTURE = 7
    GLOBAL_POINTER = 8
    TLS = 9
    LOAD_CONFIG = 10
    BOUND_IMPORT = 11
    ADDRESS_TABLE = 12
    DELAY_IMPORT = 13
    CLR = 14


BOOT_SUBSYSTEMS: Final = frozenset({10, 11, 12, 13, 16})
"""Those of what firmware or a boot loader starts."""

SUBSYSTEMS: Final = {
    0: "unknown",
    1: "native",
    2: "Windows GUI",
    3: "Windows console",
    5: "OS/2 console",
    7: "POSIX console",
    8: "native Windows 9x driver",
    9: "Windows CE",
    10: "EFI application",
    11: "EFI boot service driver",
    12: "EFI runtime driver",
    13: "EFI ROM",
    14: "Xbox",
    16: "Windows boot application",
}
