"""What a file really is, from its first bytes: a name for it, and a sentence for the person who was handed it.

Sources: gABI, PE/COFF specification, Mach-O loader.h and fat.h, ar(5), git-lfs specification, and the magic numbers
published with each other format.
"""

from __future__ import annotations

import re
from enum import StrEnum
from struct import Struct, unpack_from
from typing import Final

from loadstone.escape import printable
from loadstone.quick_dataclass import dataclass

__all__ = ["SNIFF_SIZE", "FileKind", "Identified", "identify", "script_inputs"]

SNIFF_SIZE: Final = 8192
"""Bytes of the beginning that :func:`identify` looks at."""


class FileKind(StrEnum):
    """What a file is."""

    ELF = "elf"
    PE = "pe"
    MACHO = "macho"
    UNIVERSAL = "universal"
    ARCHIVE = "archive"
    THIN_ARCHIVE = "thin archive"
    BIG_ARCHIVE = "big archive"
    DOS = "dos"
    COFF_OBJECT = "coff object"
    IMPORT_OBJECT = "import object"
    LINKER_SCRIPT = "linker script"
    SCRIPT = "script"
    TEXT = "text"
    HTML = "html"
    XML = "xml"
    JSON = "json"
    LFS_POINTER = "git lfs pointer"
    EMPTY = "empty"
    ZEROS = "zeros"
    BITCODE = "llvm bitcode"
    WASM = "webassembly"
    JAVA_CLASS = "java class"
    GZIP = "gzip"
    ZIP = "zip"
    XZ = "xz"
    BZIP2 = "bzip2"
    ZSTD = "zstd"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    TAR = "tar"
    PYTHON_BYTECODE = "python bytecode"
    PDF = "pdf"
    PNG = "png"
    LIBTOOL = "libtool archive"
    PDB = "program database"
    XCOFF = "xcoff"
    DYLD_CACHE = "dyld shared cache"
    DEX = "dalvik executable"
    OAT = "android runtime file"
    FOREIGN = "binary of another system"
    TEXT_STUB = "macOS text stub"
    KERNEL_IMAGE = "kernel image"
    BOOT_SECTOR = "boot sector"
    MINIDUMP = "windows minidump"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Identified:
    """The kind of a file, a sentence that says so, and what to do when it was taken for a library.

    ``inputs`` are the files a linker script points to.
    """

    kind: FileKind
    sentence: str
    advice: str = ""
    inputs: tuple[str, ...] = ()


_MAGIC: Final = (
    (b"\x7fELF", FileKind.ELF, "an ELF file", ""),
    (b"!<arch>\n", FileKind.ARCHIVE, "a static archive (ar)", "link it when building; a loader cannot load it"),
    (b"!<thin>\n", FileKind.THIN_ARCHIVE, "a thin static archive (ar): a list of other files", "it cannot be loaded"),
    (b"<bigaf>\n", FileKind.BIG_ARCHIVE, "an AIX big archive", "name a member: file(member)"),
    (b"BC\xc0\xde", FileKind.BITCODE, "LLVM bitcode, not machine code", "compile it without -flto, or link it"),
    (b"\xde\xc0\x17\x0b", FileKind.BITCODE, "wrapped LLVM bitcode, not machine code", "compile it without -flto"),
    (b"\0asm", FileKind.WASM, "a WebAssembly module", "it runs in a WebAssembly engine; wasm-objdump -x shows it"),
    (b"vdex", FileKind.OAT, "an Android file of verified Dalvik code (vdex)", "the Android runtime loads it"),
    (b"MDMP", FileKind.MINIDUMP, "a Windows minidump: a picture of a process", "open it with a debugger"),
    (b"\x27\x05\x19\x56", FileKind.KERNEL_IMAGE, "a U-Boot image of a kernel or another boot program", "dumpimage -l"),
    (
        b"ANDROID!",
        FileKind.KERNEL_IMAGE,
        "an Android boot image, with a kernel in it",
        "unpack_bootimg shows its parts",
    ),
    (b"\x1f\x8b", FileKind.GZIP, "gzip-compressed data", "decompress it first"),
    (b"PK\x03\x04", FileKind.ZIP, "a ZIP archive (a wheel or a jar is one)", "unpack it first"),
    (b"\xfd7zXZ\0", FileKind.XZ, "xz-compressed data", "decompress it first"),
    (b"BZh", FileKind.BZIP2, "bzip2-compressed data", "decompress it first"),
    (b"\x28\xb5\x2f\xfd", FileKind.ZSTD, "zstd-compressed data", "decompress it first"),
    (b"7z\xbc\xaf\x27\x1c", FileKind.SEVEN_ZIP, "a 7z archive", "unpack it first"),
    (b"Rar!\x1a\x07", FileKind.RAR, "a RAR archive", "unpack it first"),
    (b"\x7fCGC", FileKind.FOREIGN, "a program for DECREE, the system of DARPA's challenge", "its own tools run it"),
    (b"bFLT", FileKind.FOREIGN, "a flat binary (bFLT) for Linux without an MMU", "its kernel runs it; flthdr shows it"),
    (b"Joy!peff", FileKind.FOREIGN, "a PEF fragment, for classic Mac OS or BeOS", "no loader of today takes it"),
    (b"\0\0\x03\xf3", FileKind.FOREIGN, "an AmigaOS hunk executable", "AmigaOS loads it"),
    (b"XBEH", FileKind.FOREIGN, "a program for the Xbox (XBE)", "the console, or an emulator of it, runs it"),
    (b"\x1bLua", FileKind.FOREIGN, "compiled Lua code", "a Lua of the same version loads it; luac -l shows it"),
    (
        b"\xc6\x1f\xbc\x03\xc1\x03\x19\x1f",
        FileKind.FOREIGN,
        "compiled JavaScript for Hermes, as React Native ships it",
        "its engine runs it; hbcdump shows it",
    ),
    (b"%PDF-", FileKind.PDF, "a PDF document", ""),
    (b"\x89PNG\r\n", FileKind.PNG, "a PNG picture", ""),
    (b"BSJB", FileKind.PDB, "a portable program database of .NET (PDB)", "the assembly stands beside it"),
    (b"Microsoft C/C++ MSF 7.00", FileKind.PDB, "a program database (PDB)", "the library itself stands beside it"),
    (
        b"version https://git-lfs.github.com/spec/",
        FileKind.LFS_POINTER,
        "a Git LFS pointer; the content was not fetched",
        "run: git lfs pull",
    ),
)

_MACHO: Final = frozenset((b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"))
_UNIVERSAL: Final = frozenset((b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf", b"\xbe\xba\xfe\xca", b"\xbf\xba\xfe\xca"))

_MAX_SLICES: Final = 43
"""A Java class begins with the magic of a universal file; its version number, 45 or more, stands where the number of
slices would be. The same line is drawn by file(1)."""

_SCRIPT_WORDS: Final = re.compile(rb"\b(?:GROUP|INPUT|OUTPUT_FORMAT|AS_NEEDED)\s*\(")
_COMMENTS: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_LISTS: Final = re.compile(r"\b(?:GROUP|INPUT)\s*\(((?:[^()]|\([^()]*\))*)")
_MAX_INPUTS: Final = 64


def script_inputs(text: str) -> tuple[str, ...]:
    """The files a GNU linker script names in GROUP and INPUT, in order (ld.info "File Commands").

    >>> script_inputs("GROUP ( /lib/libc.so.6 AS_NEEDED ( /lib/ld.so ) )")
    ('/lib/libc.so.6', '/lib/ld.so')
    """
    lists = " ".join(_LISTS.findall(_COMMENTS.sub(" ", text)))
    words = re.split(r"[\s,()]+", lists.replace("AS_NEEDED", " "))
    return tuple(word.strip('"') for word in words if word)[:_MAX_INPUTS]


def identify(head: bytes) -> Identified:
    """What a file is that begins with ``head``, of which the first :data:`SNIFF_SIZE` bytes are enough.

    >>> identify(b"").sentence
    'empty'
    """
    if not head:
        return Identified(FileKind.EMPTY, "empty", "the build or download that should have written it failed")
    for magic, kind, sentence, advice in _MAGIC:
        if head.startswith(magic):
            return Identified(kind, sentence, advice)
    if head[:4] in _MACHO:
        return Identified(FileKind.MACHO, "a Mach-O file")
    if head[:4] in _UNIVERSAL:
        return _universal_or_class(head)
    if head[:2] == b"MZ":
        return _pe_or_dos(head)
    if head[:2] == b"ZM" and b"\0" in head:
        return Identified(FileKind.DOS, "a DOS program that begins with ZM", "DOS runs it, Windows does not")
    found = _unmarked_elf(head) or _coff(head) or _versioned(head) or _boot(head)
    if found is not None:
        return found
    if head[257:262] == b"ustar":
        return Identified(FileKind.TAR, "a tar archive", "unpack it first")
    if head[2:4] == b"\r\n" and len(head) >= 16 and b"\0" in head[4:16]:
        return Identified(FileKind.PYTHON_BYTECODE, "compiled Python code (.pyc)")
    if not head.strip(b"\0"):
        return Identified(FileKind.ZEROS, "nothing but zero bytes", "copy or download it again")
    return _text(head) or Identified(FileKind.UNKNOWN, "no kind of file Loadstone knows")


_UNMARKED: Final = (("<", 64), (">", 64), ("<", 32), (">", 32))
_ELF_TYPES: Final = (2, 3)  # ET_EXEC, ET_DYN
_SEGMENT_KINDS: Final = frozenset((1, 2, 3, 4, 6, 7, 0x6474E550, 0x6474E551, 0x6474E552, 0x6474E553))


def _unmarked_elf(head: bytes) -> Identified | None:
    """What only lacks the four bytes of the magic, which musl does not look for (ldso/dynlink.c, map_library)."""
    if len(head) < 64:
        return None
    for order, bits in _UNMARKED:
        word, table = ("Q", 32) if bits == 64 else ("I", 28)
        (start,) = unpack_from(f"{order}{word}", head, table)
        entry_size, count = unpack_from(f"{order}HH", head, 54 if bits == 64 else 42)
        if (
            unpack_from(f"{order}H", head, 16)[0] in _ELF_TYPES
            and (entry_size, bits) in ((56, 64), (32, 32))
            and count > 0
            and start + 4 <= len(head)
            and unpack_from(f"{order}I", head, start)[0] in _SEGMENT_KINDS
        ):
            return Identified(FileKind.ELF, "an ELF file without its magic", "musl loads it, no other loader does")
    return None


_COFF_MACHINES: Final = {
    0x14C: "i386", 0x162: "mips", 0x166: "mips", 0x184: "alpha", 0x1A2: "sh3", 0x1A6: "sh4", 0x1C0: "arm",
    0x1C2: "thumb", 0x1C4: "arm", 0x1F0: "ppc", 0x1F1: "ppc", 0x200: "ia64", 0x268: "m68k", 0x284: "alpha64",
    0x5032: "riscv", 0x5064: "riscv", 0x6232: "loongarch", 0x6264: "loongarch",
    0x8664: "x86-64", 0xA641: "arm64ec", 0xA64E: "arm64x", 0xAA64: "aarch64",
}  # fmt: skip
_COFF_HEADER: Final = Struct("<HHIIIHH")  # machine sections timestamp symbols symbol-count optional-size flags
_XCOFF: Final = {b"\x01\xdf": 32, b"\x01\xf7": 64, b"\x01\xef": 64}
_SOM: Final = (b"\x02\x0b\x01", b"\x02\x10\x01", b"\x02\x14\x01")  # PA-RISC 1.0, 1.1, 2.0, and how it is used
_LINK: Final = "link it with the rest of the program: a loader cannot load it"


def _coff(head: bytes) -> Identified | None:
    """An object file or import object of Windows, or an XCOFF file of AIX: both begin with a machine number."""
    if head[:2] in _XCOFF and len(head) >= 20:
        bits = _XCOFF[head[:2]]
        flags = int.from_bytes(head[18:20], "big")
        what = "shared object" if flags & 0x2000 else "program" if flags & 0x2 else "object file"
        return Identified(
            FileKind.XCOFF,
            f"an XCOFF {what}, {bits}-bit, for AIX (PowerPC)",
            "AIX loads it; dump -H or readelf shows it",
        )
    if len(head) < _COFF_HEADER.size:
        return None
    machine, sections, _, symbols, count, optional, _ = _COFF_HEADER.unpack_from(head)
    if machine == 0 and sections == 0xFFFF:
        return _import_or_big_object(head)
    name = _COFF_MACHINES.get(machine)
    whole = _COFF_HEADER.size + 40 * sections
    sane = 0 < sections <= 0x7FFF and not optional and (symbols >= whole or not symbols) and count < 1 << 24
    if name is None or not sane or not _section_name(head[20:28]):
        return None
    return Identified(FileKind.COFF_OBJECT, f"a COFF object file for {name}", _LINK)


def _section_name(raw: bytes) -> bool:
    text = raw.rstrip(b"\0")
    return bool(text) and b"\0" not in text and text.isascii() and text.decode().isprintable()


def _import_or_big_object(head: bytes) -> Identified | None:
    """What begins with no machine and 0xFFFF: one import ("PE Format", Import Library Format), or /bigobj."""
    version, machine = int.from_bytes(head[4:6], "little"), int.from_bytes(head[6:8], "little")
    name = _COFF_MACHINES.get(machine)
    if version == 0 and name is not None:
        texts = [*head[20:].split(b"\0", 2), b"", b""][:2]
        symbol, library = (printable(text.decode("utf-8", "replace"), 200) for text in texts)
        said = f"a COFF import object for {name}: {symbol} of {library}"
        return Identified(FileKind.IMPORT_OBJECT, said, _LINK)
    if version in (1, 2) and name is not None:
        return Identified(FileKind.COFF_OBJECT, f"a COFF object file (big) for {name}", _LINK)
    return None


def _versioned(head: bytes) -> Identified | None:
    """Formats whose first words say a version or an architecture as well."""
    if head[:4] == b"dex\n" and head[7:8] == b"\0":
        version = head[4:7].decode("ascii", "replace")
        said = f"a Dalvik executable, version {printable(version)}"
        return Identified(FileKind.DEX, said, "the Android runtime loads it; dexdump shows it")
    if head[:3] in _SOM and head[3:4] in b"\x06\x07\x08\x0b\x0d\x0e" and len(head) >= 128:
        what = "shared library" if head[3] in b"\x0d\x0e" else "object file" if head[3] == 6 else "program"
        return Identified(
            FileKind.FOREIGN, f"a SOM {what}, for HP-UX (PA-RISC)", "HP-UX loads it; odump shows it there"
        )
    if head[:1] == b"\x80" and len(head) > 8 and head[3] and int.from_bytes(head[1:3], "little") == head[3] + 2:
        return Identified(FileKind.FOREIGN, "an OMF object file, for DOS, OS/2 or early Windows", _LINK)
    if head[:6] == b"dyld_v":
        architecture = head[7:16].strip(b" \0").decode("ascii", "replace")
        said = f"a dyld shared cache, {printable(architecture, 16)}"
        advice = "the libraries of macOS are in it; dyld_shared_cache_util or ipsw takes them out"
        return Identified(FileKind.DYLD_CACHE, said, advice)
    return None


def _boot(head: bytes) -> Identified | None:
    """Kernels and boot sectors (Linux Documentation/arch/x86/boot.rst, arm/booting.rst, arm64/booting.rst)."""
    if head[510:512] == b"\x55\xaa" and head[0x202:0x206] == b"HdrS":
        return Identified(FileKind.KERNEL_IMAGE, "a Linux kernel image (bzImage) for x86", "a boot loader starts it")
    if head[0x24:0x28] == b"\x18\x28\x6f\x01":
        return Identified(FileKind.KERNEL_IMAGE, "a Linux kernel image (zImage) for arm", "a boot loader starts it")
    if head[0x38:0x3C] == b"ARM\x64":
        return Identified(FileKind.KERNEL_IMAGE, "a Linux kernel image for aarch64", "a boot loader starts it")
    if head[0x38:0x3C] == b"RSC\x05":
        return Identified(FileKind.KERNEL_IMAGE, "a Linux kernel image for riscv", "a boot loader starts it")
    if head[510:512] == b"\x55\xaa" and head[:1] in (b"\xeb", b"\xe9", b"\xfa", b"\x33", b"\x31", b"\xfc"):
        return Identified(
            FileKind.BOOT_SECTOR, "a boot sector, or a disk image that begins with one", "fdisk -l shows it"
        )
    return None


def _universal_or_class(head: bytes) -> Identified:
    big = head[0] == 0xCA
    count = int.from_bytes(head[4:8], "big" if big else "little")
    if big and head[3] == 0xBE and count > _MAX_SLICES:
        return Identified(FileKind.JAVA_CLASS, "a Java class file", "a Java virtual machine loads it")
    return Identified(FileKind.UNIVERSAL, f"a universal Mach-O file of {count} images")


_BEFORE_PE: Final = {
    b"NE": "16-bit Windows or OS/2 (NE)",
    b"LE": "a DOS extender, or a driver of Windows 9x (LE)",
    b"LX": "OS/2 (LX)",
}
"""Signatures where a PE file has its own, behind the same DOS header."""


def _pe_or_dos(head: bytes) -> Identified:
    at = int.from_bytes(head[60:64], "little")
    if at + 4 > len(head) or head[at : at + 4] == b"PE\0\0":
        return Identified(FileKind.PE, "a PE file")
    system = _BEFORE_PE.get(head[at : at + 2])
    if system is not None and at >= 4:
        return Identified(FileKind.DOS, f"a program or library for {system}", "no loader of today takes it")
    return Identified(FileKind.DOS, "a DOS or 16-bit Windows program without a PE header")


_STUB_NAME: Final = re.compile(r"^install-name:\s*['\"]?([^'\"\n]+)", re.MULTILINE)


def _text_stub(text: str) -> Identified:
    """A list of what a macOS library exports, which the SDK has in its place (TAPI)."""
    name = _STUB_NAME.search(text)
    said = f"a text stub of a macOS library (.tbd, TAPI){f': {printable(name[1].strip(), 400)}' if name else ''}"
    advice = "the library itself is on a Mac, in the dyld shared cache; the stub is for linking only"
    return Identified(FileKind.TEXT_STUB, said, advice)


_TEXT_STARTS: Final = (
    ("<!doctype html", FileKind.HTML, "an HTML page", "the download gave a web page, not the file"),
    ("<html", FileKind.HTML, "an HTML page", "the download gave a web page, not the file"),
    ("<?xml", FileKind.XML, "an XML document", "a server gave an answer, not the file: download it again"),
)


def _text(head: bytes) -> Identified | None:
    """What kind of text it is; None when it is not text."""
    if b"\0" in head:
        return None
    text = head.decode("utf-8", "replace")
    if head[:2] == b"#!":
        interpreter = text[2:].partition("\n")[0].strip()
        return Identified(FileKind.SCRIPT, f"a script for {printable(interpreter, 200) or 'an unnamed interpreter'}")
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("---") and ("!tapi-tbd" in start[:64] or "\ninstall-name:" in start[:2000]):
        return _text_stub(start)
    lowered = start[:64].lower()
    for beginning, kind, sentence, advice in _TEXT_STARTS:
        if lowered.startswith(beginning):
            return Identified(kind, sentence, advice)
    if text.startswith("# ") and "libtool library file" in text[:200]:
        return Identified(FileKind.LIBTOOL, "a libtool library file (.la)", "the library is in its .libs folder")
    if _SCRIPT_WORDS.search(head):
        inputs = script_inputs(text)
        points = f" that points to {printable(', '.join(inputs), 400)}" if inputs else ""
        advice = f"name the library itself: {printable(inputs[0])}" if inputs else "name the library itself"
        return Identified(FileKind.LINKER_SCRIPT, f"a GNU linker script{points}", advice, inputs)
    if text.count("\ufffd") > len(text) // 20:
        return None
    if start[:1] in "{[" and start.rstrip()[-1:] in '}],"':
        return Identified(FileKind.JSON, "JSON text", "a server gave an answer, not the file: download it again")
    return Identified(FileKind.TEXT, "plain text")
