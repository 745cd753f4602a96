"""Change one field of a binary by its name, as the tables in docs/reference/loader-fields.md spell it.

``dyn.STRSZ=0``, ``load[1].memsz=1``, ``eh.shoff=0xffff`` for ELF; ``dir[0].size=0``, ``optional.CheckSum=1``,
``import[0].lookup=0`` for PE; ``command[SYMTAB].16=0`` (a position in the command) for Mach-O. 64-bit, little-endian.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import pack_into, unpack_from

from loadstone.binary.elf.dynamic import DynamicTag
from loadstone.binary.macho.layout import LoadCommandKind

__all__ = ["edit_elf", "edit_macho", "edit_pe"]

_SEGMENTS = {
    "load": 1,
    "dynamic": 2,
    "interp": 3,
    "note": 4,
    "phdr": 6,
    "eh_frame": 0x6474E550,
    "stack": 0x6474E551,
    "relro": 0x6474E552,
}
_SEGMENT_FIELDS = {
    "type": ("<I", 0),
    "flags": ("<I", 4),
    "off": ("<Q", 8),
    "vaddr": ("<Q", 16),
    "paddr": ("<Q", 24),
    "filesz": ("<Q", 32),
    "memsz": ("<Q", 40),
    "align": ("<Q", 48),
}
_HEADER_FIELDS = {
    "magic": ("<I", 0),
    "class": ("B", 4),
    "data": ("B", 5),
    "identversion": ("B", 6),
    "osabi": ("B", 7),
    "abiversion": ("B", 8),
    "padding": ("B", 9),
    "type": ("<H", 16),
    "machine": ("<H", 18),
    "version": ("<I", 20),
    "entry": ("<Q", 24),
    "shoff": ("<Q", 40),
    "flags": ("<I", 48),
    "ehsize": ("<H", 52),
    "phentsize": ("<H", 54),
    "shentsize": ("<H", 58),
    "shnum": ("<H", 60),
    "shstrndx": ("<H", 62),
}
_TABLE_FIELDS = {  # in a table the dynamic section points to
    "nbucket": (DynamicTag.HASH, "<I", 0),
    "nchain": (DynamicTag.HASH, "<I", 4),
    "vn_cnt": (DynamicTag.VERNEED, "<H", 2),
    "bloom_words": (DynamicTag.GNU_HASH, "<I", 8),
}
_SPELLED = re.compile(r"(?P<what>\w+)(?:\[(?P<which>\w+)\])?\.(?P<field>\w+)=(?P<value>\w+)")


def _parts(edit: str) -> tuple[str, str, str, int]:
    found = _SPELLED.fullmatch(edit)
    assert found is not None, edit
    return found["what"], found["which"] or "", found["field"], int(found["value"], 0)


def _headers(data: bytes) -> Iterator[int]:
    first, count = unpack_from("<Q", data, 32)[0], unpack_from("<H", data, 56)[0]
    yield from range(first, first + 56 * count, 56)


def _entries(data: bytes) -> dict[int, int]:
    """Where the value of each dynamic entry stands, by tag."""
    found: dict[int, int] = {}
    for head in _headers(data):
        kind, _, offset, _, _, size = unpack_from("<IIQQQQ", data, head)
        if kind == _SEGMENTS["dynamic"]:
            for at in range(offset, offset + size, 16):
                tag = unpack_from("<Q", data, at)[0]
                if not tag:
                    break
                found[tag] = at + 8
    return found


def _offset(data: bytes, address: int) -> int:
    for head in _headers(data):
        kind, _, offset, begin, _, size = unpack_from("<IIQQQQ", data, head)
        if kind == _SEGMENTS["load"] and begin <= address < begin + size:
            return int(offset) + address - int(begin)
    raise AssertionError(hex(address))


def edit_elf(data: bytes, edit: str) -> bytes:
    """The file with one field changed."""
    made = bytearray(data)
    what, which, field, value = _parts(edit)
    if what == "dyn":
        pack_into("<Q", made, _entries(data)[DynamicTag[field]], value)
    elif what == "eh":
        form, at = _HEADER_FIELDS[field]
        pack_into(form, made, at, value)
    elif what == "table":
        tag, form, at = _TABLE_FIELDS[field]
        pack_into(form, made, _offset(data, unpack_from("<Q", data, _entries(data)[tag])[0]) + at, value)
    elif what == "sections":  # the type of every section that is loaded
        table, count = unpack_from("<Q", data, 40)[0], unpack_from("<H", data, 60)[0]
        for at in range(table, table + 64 * count, 64):
            if unpack_from("<Q", data, at + 8)[0] & 2:
                pack_into("<I", made, at + 4, value)
    else:
        heads = [head for head in _headers(data) if unpack_from("<I", data, head)[0] == _SEGMENTS[what]]
        form, at = _SEGMENT_FIELDS[field]
        pack_into(form, made, heads[int(which or 0)] + at, value)
    return bytes(made)


_OPTIONAL = {
    "MajorLinkerVersion": ("B", 2),
    "SizeOfCode": ("<I", 4),
    "SizeOfInitializedData": ("<I", 8),
    "SizeOfUninitializedData": ("<I", 12),
    "BaseOfCode": ("<I", 20),
    "SectionAlignment": ("<I", 32),
    "FileAlignment": ("<I", 36),
    "Win32VersionValue": ("<I", 52),
    "SizeOfImage": ("<I", 56),
    "SizeOfHeaders": ("<I", 60),
    "CheckSum": ("<I", 64),
    "Subsystem": ("<H", 68),
    "DllCharacteristics": ("<H", 70),
    "LoaderFlags": ("<I", 104),
    "NumberOfRvaAndSizes": ("<I", 108),
}
_COFF = {"TimeDateStamp": 4, "PointerToSymbolTable": 8, "NumberOfSymbols": 12}
_RECORDS = {  # directory number, then field positions in its record
    "import": (1, 20, {"lookup": 0, "timestamp": 4, "chain": 8}),
    "export": (0, 40, {"timestamp": 4, "NumberOfFunctions": 20}),
}
_SECTION = {"name": 0, "VirtualSize": 8, "SizeOfRawData": 16, "PointerToRawData": 20, "PointerToRelocations": 24}


def edit_pe(data: bytes, edit: str) -> bytes:
    """The file with one field changed."""
    made = bytearray(data)
    what, which, field, value = _parts(edit)
    header = unpack_from("<I", data, 60)[0]
    optional = header + 24
    sections = optional + unpack_from("<H", data, header + 20)[0]
    if what == "optional":
        form, at = _OPTIONAL[field]
        pack_into(form, made, optional + at, value)
    elif what == "coff":
        pack_into("<I", made, header + 4 + _COFF[field], value)
    elif what == "dir":
        pack_into("<I", made, optional + 112 + 8 * int(which) + (4 if field == "size" else 0), value)
    elif what == "section":
        pack_into("<I", made, sections + 40 * int(which) + _SECTION[field], value)
    else:
        number, size, fields = _RECORDS[what]
        address = unpack_from("<I", data, optional + 112 + 8 * number)[0]
        for at in range(sections, sections + 40 * unpack_from("<H", data, header + 6)[0], 40):
            virtual, begin, _, raw = unpack_from("<IIII", data, at + 8)
            if begin <= address < begin + virtual:
                pack_into("<I", made, raw + address - begin + size * int(which or 0) + fields[field], value)
    return bytes(made)


def edit_macho(data: bytes, edit: str) -> bytes:
    """The file with the word at a position of the first command of that name changed."""
    made = bytearray(data)
    found = re.fullmatch(r"command\[(\w+)\]\.(\d+)=(\w+)", edit)
    assert found is not None, edit
    at = 32
    for _ in range(unpack_from("<I", data, 16)[0]):
        number, size = unpack_from("<II", data, at)
        if number == LoadCommandKind[found[1]]:
            pack_into("<I", made, at + int(found[2]), int(found[3], 0))
            return bytes(made)
        at += size
    raise AssertionError(f"no command {found[1]}")
