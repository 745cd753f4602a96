"""The smallest shared object that loads: a header, two segments, a dynamic section. For graphs of thousands."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_NEEDED, _STRTAB, _SYMTAB, _STRSZ, _SYMENT, _SONAME, _RPATH, _RUNPATH, _HASH = 1, 5, 6, 10, 11, 14, 15, 29, 4
_START = 64 + 3 * 56


def tiny_elf(
    soname: str = "", needed: Sequence[str] = (), *, runpath: str | None = None, rpath: str | None = None
) -> bytes:
    """A little-endian 64-bit x86-64 library with these entries in its dynamic section and no symbols."""
    strings = bytearray(b"\0")

    def name(text: str) -> int:
        strings.extend(text.encode() + b"\0")
        return len(strings) - len(text.encode()) - 1

    entries = [(_NEEDED, name(text)) for text in needed]
    if soname:
        entries.append((_SONAME, name(soname)))
    for tag, path in ((_RPATH, rpath), (_RUNPATH, runpath)):
        if path is not None:
            entries.append((tag, name(path)))
    hash_at = _START
    symbols_at = hash_at + 16
    strings_at = symbols_at + 24
    dynamic_at = (strings_at + len(strings) + 7) // 8 * 8
    entries += [
        (_HASH, hash_at),
        (_STRTAB, strings_at),
        (_SYMTAB, symbols_at),
        (_STRSZ, len(strings)),
        (_SYMENT, 24),
        (0, 0),
    ]
    dynamic = b"".join(struct.pack("<QQ", *entry) for entry in entries)
    size = dynamic_at + len(dynamic)
    ident = b"\x7fELF\2\1\1" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 3, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 6, 0, 0, 0, size, size, 0x1000)
    dynamic_segment = struct.pack("<IIQQQQQQ", 2, 6, dynamic_at, dynamic_at, 0, len(dynamic), len(dynamic), 8)
    stack = struct.pack("<IIQQQQQQ", 0x6474E551, 6, 0, 0, 0, 0, 0, 16)
    body = struct.pack("<IIII", 1, 1, 0, 0) + bytes(24) + bytes(strings)
    return (header + load + dynamic_segment + stack + body).ljust(dynamic_at, b"\0") + dynamic
