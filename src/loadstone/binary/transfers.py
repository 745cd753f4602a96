"""What transfers that take a binary for text leave of it: line ends of another system, letters that no encoding has."""

from __future__ import annotations

from typing import Final

__all__ = ["AS_BINARY", "TEXT_SAMPLE", "changed_as_text"]

TEXT_SAMPLE: Final = 1 << 16
"""Bytes from the beginning of a file that tell."""

AS_BINARY: Final = (
    "copy it again as binary: ftp's binary, *.so binary in .gitattributes, no filtering of resources in a build (Maven)"
)
_ENOUGH: Final = 4  # line ends; letters: a real library has neither in a row
_REPLACEMENT: Final = "\ufffd".encode()


def changed_as_text(beginning: bytes) -> str:
    r"""How a binary was changed on its way, to end a sentence that begins with its name; empty where nothing shows it.

    Sources: RFC 959 (TYPE A of FTP); gitattributes(5), text and eol; Unicode 3.9, U+FFFD for what is malformed.

    >>> changed_as_text(b"\x7fELF" + 9 * b"\0\r\n")
    'was copied as text, which put a carriage return before every line feed'
    """
    ends = beginning.count(b"\n")
    if ends >= _ENOUGH and beginning.count(b"\r\n") == ends:
        return "was copied as text, which put a carriage return before every line feed"
    if beginning.count(_REPLACEMENT) >= _ENOUGH and _is_utf8(beginning[: beginning.rfind(_REPLACEMENT)]):
        return "was copied as UTF-8 text, which replaced every byte that is no letter (U+FFFD)"
    return ""


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
