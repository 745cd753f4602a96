"""What a file really is, from its first bytes: a name for it, and a sentence for the person who was handed it.

Sources: gABI, PE/COFF specification, Mach-O loader.h and fat.h, ar(5), git-lfs specification, and the magic numbers
published with each other format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from loadstone.escape import printable

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
    IMPORT_LIBRARY = "import object"
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
    TAR = "tar"
    PYTHON_BYTECODE = "python bytecode"
    PDF = "pdf"
    PNG = "png"
    LIBTOOL = "libtool archive"
    PDB = "program database"
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
    (b"\0asm", FileKind.WASM, "a WebAssembly module", "it runs in a WebAssembly engine, not in a process"),
    (b"\x1f\x8b", FileKind.GZIP, "gzip-compressed data", "decompress it first"),
    (b"PK\x03\x04", FileKind.ZIP, "a ZIP archive (a wheel or a jar is one)", "unpack it first"),
    (b"\xfd7zXZ\0", FileKind.XZ, "xz-compressed data", "decompress it first"),
    (b"BZh", FileKind.BZIP2, "bzip2-compressed data", "decompress it first"),
    (b"\x28\xb5\x2f\xfd", FileKind.ZSTD, "zstd-compressed data", "decompress it first"),
    (b"%PDF-", FileKind.PDF, "a PDF document", ""),
    (b"\x89PNG\r\n", FileKind.PNG, "a PNG picture", ""),
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
    if head[257:262] == b"ustar":
        return Identified(FileKind.TAR, "a tar archive", "unpack it first")
    if head[2:4] == b"\r\n" and len(head) >= 16 and b"\0" in head[4:16]:
        return Identified(FileKind.PYTHON_BYTECODE, "compiled Python code (.pyc)")
    if not head.strip(b"\0"):
        return Identified(FileKind.ZEROS, "nothing but zero bytes", "copy or download it again")
    return _text(head) or Identified(FileKind.UNKNOWN, "no kind of file Loadstone knows")


def _universal_or_class(head: bytes) -> Identified:
    big = head[0] == 0xCA
    count = int.from_bytes(head[4:8], "big" if big else "little")
    if big and head[3] == 0xBE and count > _MAX_SLICES:
        return Identified(FileKind.JAVA_CLASS, "a Java class file", "a Java virtual machine loads it")
    return Identified(FileKind.UNIVERSAL, f"a universal Mach-O file of {count} images")


def _pe_or_dos(head: bytes) -> Identified:
    at = int.from_bytes(head[60:64], "little")
    if at + 4 > len(head) or head[at : at + 4] == b"PE\0\0":
        return Identified(FileKind.PE, "a PE file")
    return Identified(FileKind.DOS, "a DOS or 16-bit Windows program without a PE header")


_TEXT_STARTS: Final = (
    ("<!doctype html", FileKind.HTML, "an HTML page", "the download gave a web page, not the file"),
    ("<html", FileKind.HTML, "an HTML page", "the download gave a web page, not the file"),
    ("<?xml", FileKind.XML, "an XML document", ""),
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
    lowered = start[:64].lower()
    for beginning, kind, sentence, advice in _TEXT_STARTS:
        if lowered.startswith(beginning):
            return Identified(kind, sentence, advice)
    if text.startswith("# ") and "libtool library file" in text[:200]:
        return Identified(FileKind.LIBTOOL, "a libtool library file (.la)", "the library stands in its .libs folder")
    if _SCRIPT_WORDS.search(head):
        inputs = script_inputs(text)
        points = f" that points to {printable(', '.join(inputs), 400)}" if inputs else ""
        advice = f"name the library itself: {printable(inputs[0])}" if inputs else "name the library itself"
        return Identified(FileKind.LINKER_SCRIPT, f"a GNU linker script{points}", advice, inputs)
    if text.count("\ufffd") > len(text) // 20:
        return None
    if start[:1] in "{[" and start.rstrip()[-1:] in '}],"':
        return Identified(FileKind.JSON, "JSON text")
    return Identified(FileKind.TEXT, "plain text")
