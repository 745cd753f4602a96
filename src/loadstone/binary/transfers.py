"""What transfers that take a binary for text leave of it: line ends of another system, letters that no encoding has."""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["AS_BINARY", "changed_as_text"]

_SAMPLE: Final = 1 << 16
"""Bytes from the beginning of a file that tell."""

AS_BINARY: Final = (
    "copy it again as binary: ftp's binary, *.so binary in .gitattributes, no filtering of resources in a build (Maven)"
)
_ENOUGH: Final = 4  # line ends; letters: a real library has neither in a row
_SECTIONS: Final = {1: ("I", 0x20, 0x2E), 2: ("Q", 0x28, 0x3A)}
"""For each class of ELF: how the offset of the sections is written, where, and where their size and number are."""
_BIG, _HEADER = 2, 64
_REPLACEMENT: Final = "\ufffd".encode()


def changed_as_text(data: bytes) -> str:
    r"""How a binary was changed on its way, to end a sentence that begins with its name; empty where nothing shows it.

    A few line ends are no sign by themselves: then an ELF file tells by its length, which is right without them.

    Sources: RFC 959 (TYPE A of FTP); gitattributes(5), text and eol; Unicode 3.9, U+FFFD for what is malformed.

    >>> changed_as_text(b"\x7fELF" + 9 * b"\0\r\n")
    'was copied as text, which put a carriage return before every line feed'
    """
    beginning = data[:_SAMPLE]
    ends = beginning.count(b"\n")
    all_of_them = beginning.count(b"\r\n") == ends
    if all_of_them and (ends >= _ENOUGH or _is_whole_without(data)):
        return "was copied as text, which put a carriage return before every line feed"
    if beginning.count(_REPLACEMENT) >= _ENOUGH and _is_utf8(beginning[: beginning.rfind(_REPLACEMENT)]):
        return "was copied as UTF-8 text, which replaced every byte that is no letter (U+FFFD)"
    return ""


def _is_whole_without(data: bytes) -> bool:
    """Whether an ELF file ends with its sections, as linkers write it, once the carriage returns are taken out."""
    before = data.replace(b"\r\n", b"\n")
    layout = _SECTIONS.get(data[4]) if data[:4] == b"\x7fELF" and len(data) > _HEADER else None
    if layout is None or len(before) == len(data) or data.count(b"\n") != data.count(b"\r\n"):
        return False
    form, offset, counts = layout
    order = ">" if data[5] == _BIG else "<"
    (start,) = struct.unpack_from(order + form, before, offset)
    size, number = struct.unpack_from(f"{order}HH", before, counts)
    return bool(start) and start + size * number == len(before)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
