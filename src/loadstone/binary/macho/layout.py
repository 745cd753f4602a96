"""The records of a Mach-O file, and the numbers in them.

Sources: Apple's mach-o/loader.h, mach-o/nlist.h, mach-o/fat.h, mach-o/fixup-chains.h and mach/machine.h (XNU and dyld).
A table keyed by the magic replaces every question about width and byte order further on.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from struct import Struct
from typing import Final

from loadstone.core.image import ByteOrder, DependencyKind, ImageKind, Machine
from loadstone.quick_dataclass import dataclass

__all__ = [
    "DYLIB_KINDS",
    "FILE_KINDS",
    "LAYOUTS",
    "MIN_VERSION_PLATFORMS",
    "PLATFORMS",
    "SECTION_KINDS",
    "HeaderFlags",
    "LoadCommandKind",
    "MachoLayout",
    "architecture",
    "dotted",
    "machine",
]


@dataclass(frozen=True, slots=True)
class MachoLayout:
    """The records of one width and byte order."""

    bits: int
    order: ByteOrder
    header: Struct
    command: Struct
    segment: Struct
    section: Struct
    symbol: Struct

    @property
    def mark(self) -> str:
        return "<" if self.order is ByteOrder.LITTLE else ">"

    @property
    def word(self) -> int:
        return self.bits // 8

    def number(self, data: bytes, at: int, size: int = 4) -> int:
        """The integer of ``size`` bytes at a position of ``data``; 0 bytes beyond its end count as zero."""
        return int.from_bytes(data[at : at + size], self.order.value)


def _layout(bits: int, order: ByteOrder) -> MachoLayout:
    mark = "<" if order is ByteOrder.LITTLE else ">"
    wide = bits == 64
    return MachoLayout(
        bits=bits,
        order=order,
        header=Struct(mark + ("IiiIIII4x" if wide else "IiiIIII")),  # magic cpu subtype type ncmds sizeofcmds flags
        command=Struct(mark + "II"),  # number, size
        # name address memory-size offset file-size maxprot initprot sections flags; behind number and size
        segment=Struct(mark + ("16sQQQQiiII" if wide else "16sIIIIiiII")),
        # name segment address size offset align relocs nrelocs flags reserved (2 or 3)
        section=Struct(mark + ("16s16sQQIIIIIII4x" if wide else "16s16sIIIIIIIII")),
        symbol=Struct(mark + ("IBBHQ" if wide else "IBBHI")),  # name type section description value
    )


LAYOUTS: Final = {
    b"\xce\xfa\xed\xfe": _layout(32, ByteOrder.LITTLE),
    b"\xcf\xfa\xed\xfe": _layout(64, ByteOrder.LITTLE),
    b"\xfe\xed\xfa\xce": _layout(32, ByteOrder.BIG),
    b"\xfe\xed\xfa\xcf": _layout(64, ByteOrder.BIG),
}
"""By magic: MH_MAGIC and MH_MAGIC_64 in both byte orders."""

REQUIRED_BY_DYLD: Final = 0x8000_0000  # LC_REQ_DYLD


class LoadCommandKind(IntEnum):
    """LC_*: load commands."""

    SEGMENT = 0x1
    SYMTAB = 0x2
    UNIXTHREAD = 0x5
    DYSYMTAB = 0xB
    LOAD_DYLIB = 0xC
    ID_DYLIB = 0xD
    LOAD_DYLINKER = 0xE
    ID_DYLINKER = 0xF
    ROUTINES = 0x11
    SUB_FRAMEWORK = 0x12
    SUB_UMBRELLA = 0x13
    SUB_CLIENT = 0x14
    SUB_LIBRARY = 0x15
    TWOLEVEL_HINTS = 0x16
    PREBIND_CHECKSUM = 0x17
    LOAD_WEAK_DYLIB = 0x8000_0018
    SEGMENT_64 = 0x19
    ROUTINES_64 = 0x1A
    UUID = 0x1B
    RPATH = 0x8000_001C
    CODE_SIGNATURE = 0x1D
    SEGMENT_SPLIT_INFO = 0x1E
    REEXPORT_DYLIB = 0x8000_001F
    LAZY_LOAD_DYLIB = 0x20
    ENCRYPTION_INFO = 0x21
    DYLD_INFO = 0x22
    DYLD_INFO_ONLY = 0x8000_0022
    LOAD_UPWARD_DYLIB = 0x8000_0023
    VERSION_MIN_MACOSX = 0x24
    VERSION_MIN_IPHONEOS = 0x25
    FUNCTION_STARTS = 0x26
    DYLD_ENVIRONMENT = 0x27
    MAIN = 0x8000_0028
    DATA_IN_CODE = 0x29
    SOURCE_VERSION = 0x2A
    DYLIB_CODE_SIGN_DRS = 0x2B
    ENCRYPTION_INFO_64 = 0x2C
    LINKER_OPTION = 0x2D
    LINKER_OPTIMIZATION_HINT = 0x2E
    VERSION_MIN_TVOS = 0x2F
    VERSION_MIN_WATCHOS = 0x30
    NOTE = 0x31
    BUILD_VERSION = 0x32
    DYLD_EXPORTS_TRIE = 0x8000_0033
    DYLD_CHAINED_FIXUPS = 0x8000_0034
    FILESET_ENTRY = 0x8000_0035
    ATOM_INFO = 0x36
    FUNCTION_VARIANTS = 0x37
    FUNCTION_VARIANT_FIXUPS = 0x38
    TARGET_TRIPLE = 0x39


DYLIB_KINDS: Final = {
    LoadCommandKind.LOAD_DYLIB: DependencyKind.NEEDED,
    LoadCommandKind.LOAD_WEAK_DYLIB: DependencyKind.WEAK,
    LoadCommandKind.REEXPORT_DYLIB: DependencyKind.REEXPORT,
    LoadCommandKind.LOAD_UPWARD_DYLIB: DependencyKind.UPWARD,
    LoadCommandKind.LAZY_LOAD_DYLIB: DependencyKind.LAZY,
}


class HeaderFlags(IntFlag):
    """MH_*: flags of the header."""

    NOUNDEFS = 0x1
    DYLDLINK = 0x4
    PREBOUND = 0x10
    SPLIT_SEGS = 0x20
    TWOLEVEL = 0x80
    FORCE_FLAT = 0x100
    SUBSECTIONS_VIA_SYMBOLS = 0x2000
    WEAK_DEFINES = 0x8000
    BINDS_TO_WEAK = 0x1_0000
    ALLOW_STACK_EXECUTION = 0x2_0000
    ROOT_SAFE = 0x4_0000
    SETUID_SAFE = 0x8_0000
    NO_REEXPORTED_DYLIBS = 0x10_0000
    PIE = 0x20_0000
    DEAD_STRIPPABLE_DYLIB = 0x40_0000
    HAS_TLV_DESCRIPTORS = 0x80_0000
    NO_HEAP_EXECUTION = 0x100_0000
    APP_EXTENSION_SAFE = 0x200_0000
    NLIST_OUTOFSYNC_WITH_DYLDINFO = 0x400_0000
    SIM_SUPPORT = 0x800_0000
    DYLIB_IN_CACHE = 0x8000_0000


FILE_KINDS: Final = {
    1: ImageKind.OBJECT,
    2: ImageKind.EXECUTABLE,
    4: ImageKind.CORE,
    6: ImageKind.SHARED,
    8: ImageKind.BUNDLE,
    10: ImageKind.DEBUG,
}
"""MH_*: file types; every other one is ``OTHER``."""

PLATFORMS: Final = {
    1: "macOS",
    2: "iOS",
    3: "tvOS",
    4: "watchOS",
    5: "bridgeOS",
    6: "Mac Catalyst",
    7: "iOS simulator",
    8: "tvOS simulator",
    9: "watchOS simulator",
    10: "DriverKit",
    11: "visionOS",
    12: "visionOS simulator",
}

MIN_VERSION_PLATFORMS: Final = {
    LoadCommandKind.VERSION_MIN_MACOSX: 1,
    LoadCommandKind.VERSION_MIN_IPHONEOS: 2,
    LoadCommandKind.VERSION_MIN_TVOS: 3,
    LoadCommandKind.VERSION_MIN_WATCHOS: 4,
}

SECTION_KINDS: Final = {
    0x0: "regular",
    0x1: "zerofill",
    0x2: "cstring literals",
    0x3: "4-byte literals",
    0x4: "8-byte literals",
    0x5: "literal pointers",
    0x6: "non-lazy symbol pointers",
    0x7: "lazy symbol pointers",
    0x8: "symbol stubs",
    0x9: "mod init func pointers",
    0xA: "mod term func pointers",
    0xB: "coalesced",
    0xC: "huge zerofill",
    0xD: "interposing",
    0xE: "16-byte literals",
    0xF: "dtrace object format",
    0x10: "lazy dylib symbol pointers",
    0x11: "thread-local regular",
    0x12: "thread-local zerofill",
    0x13: "thread-local variables",
    0x14: "thread-local variable pointers",
    0x15: "thread-local init function pointers",
    0x16: "init func offsets",
}
"""S_*: the low byte of a section's flags."""

_X86, _ARM, _PPC, _SPARC = 7, 12, 18, 14
_ABI64, _ABI64_32 = 0x0100_0000, 0x0200_0000

_MACHINES: Final = {
    6: ("m68k", "m68k"),
    _X86: ("i386", "i386"),
    _ARM: ("arm", "arm"),
    _SPARC: ("sparc", "sparc"),
    _PPC: ("ppc", "ppc"),
    _X86 | _ABI64: ("x86-64", "x86_64"),
    _ARM | _ABI64: ("aarch64", "arm64"),
    _ARM | _ABI64_32: ("aarch64", "arm64_32"),
    _PPC | _ABI64: ("ppc64", "ppc64"),
}
"""CPU_TYPE_*: the usual name of the processor, and Apple's name of the architecture."""

_SUBTYPES: Final = {
    (_X86 | _ABI64, 8): "x86_64h",
    (_ARM | _ABI64, 2): "arm64e",
    (_ARM, 6): "armv6",
    (_ARM, 9): "armv7",
    (_ARM, 11): "armv7s",
    (_ARM, 12): "armv7k",
}
_SUBTYPE_MASK: Final = 0x00FF_FFFF  # the top byte holds capability bits


def machine(cpu: int) -> Machine:
    """The processor of that CPU_TYPE number.

    >>> machine(0x0100000C).name
    'aarch64'
    """
    return Machine(cpu, _MACHINES.get(cpu, (f"machine {cpu}", ""))[0])


def architecture(cpu: int, subtype: int) -> str:
    """Apple's name of the architecture, the one ``lipo`` and dyld's messages use.

    >>> architecture(0x0100000C, 2), architecture(0x01000007, 3)
    ('arm64e', 'x86_64')
    """
    plain = _MACHINES.get(cpu, ("", f"cpu {cpu}"))[1]
    return _SUBTYPES.get((cpu, subtype & _SUBTYPE_MASK), plain)


def dotted(version: int) -> str:
    """A packed version (sixteen bits, eight, eight) as text.

    >>> dotted(0x0001_0203)
    '1.2.3'
    """
    return f"{version >> 16}.{version >> 8 & 0xFF}.{version & 0xFF}"
