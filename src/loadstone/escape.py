r"""Make any text safe to show: file names, symbol names and library output are hostile input.

A symbol may be called ``\x1b[2J`` and a file name need not be UTF-8. Whatever a report prints passes through
:func:`printable`, so that a terminal, a browser or a log reads it as text and nothing else. This module is the
lowest layer: the errors use it too. Source of the character classes: Unicode general categories Cc, Cf, Cs, Zl, Zp.
"""

from __future__ import annotations

import re

_UNSAFE_ABOVE_SPACE = (
    "\x7f-\x9f"  # Cc: control characters, among them CSI
    "\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # Cf, Zl, Zp: reorder or hide
    "\ufffe\uffff"  # no characters at all, and not allowed in XML
    "\U000e0000-\U000e007f"  # tags: invisible letters
    "\ud800-\udfff"  # Cs: bytes that were not UTF-8 (surrogateescape)
)
_UNSAFE = re.compile(f"[\x00-\x1f{_UNSAFE_ABOVE_SPACE}]")  # the first 32 are Cc too, among them ESC and NUL
_UNSAFE_IN_JSON = re.compile(f"[{_UNSAFE_ABOVE_SPACE}]")


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: show the byte that was there
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def printable(text: str, limit: int = 4096) -> str:
    r"""Return ``text`` with every control, format and undecodable character written as an escape.

    ``limit`` bounds the result in characters before escaping; what is cut is replaced by an ellipsis and the number
    of characters left out. Thread-safe: pure.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    >>> printable("x" * 10, limit=4)
    'xxxx… (+6)'
    """
    if len(text) > limit:
        return f"{printable(text[:limit], limit)}… (+{len(text) - limit})"
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_escaped, text)


def escaped_in_json(document: str) -> str:
    r"""``document``, JSON text, with what a terminal would obey or hide written as JSON's own escapes.

    JSON demands that of the characters below U+0020 alone; whoever parses the text reads the same values as before.
    Thread-safe: pure. Source: RFC 8259, section 7.

    >>> escaped_in_json('{"name": "a\u202eb"}')
    '{"name": "a\\u202eb"}'
    """
    if document.isascii() and "\x7f" not in document:
        return document
    return _UNSAFE_IN_JSON.sub(_json_escape, document)


def _json_escape(match: re.Match[str]) -> str:
    raw = match[0].encode("utf-16-be")
    return "".join(f"\\u{raw[at : at + 2].hex()}" for at in range(0, len(raw), 2))


def quoted(text: str, limit: int = 4096) -> str:
    """``text`` made :func:`printable`, between single quotes.

    >>> quoted("libz.so.1")
    "'libz.so.1'"
    """
    return f"'{printable(text, limit)}'"


def is_utf8(text: str) -> bool:
    r"""Whether ``text`` can be written as UTF-8: no byte of a name in another encoding is in it.

    >>> is_utf8("caf\u00e9"), is_utf8("caf\udce9")
    (True, False)
    """
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
