"""What the literals of C and C++ hold: numbers, characters and strings."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["character", "number", "string_value"]

_ESCAPES: Final = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "0": "\0",
    "\\": "\\",
    '"': '"',
    "'": "'",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
}
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]+|[0-7]{1,3}|.)", re.DOTALL)
_NUMBER: Final = re.compile(r"(-?0[xX][0-9a-fA-F']+|0[bB][01']+|-?[0-9][0-9']*)([uUlLzZ]*)\Z")


def number(text: str) -> int | float | None:
    """The value of a number as it is written; None when it is none."""
    found = _NUMBER.match(text)
    try:
        if found is None:
            return float(text.rstrip("fFlL"))
        digits = found[1].replace("'", "")
        is_octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
        return int(digits, 8 if is_octal else 0)
    except ValueError:
        return None


def character(text: str) -> str:
    """What a character literal holds, prefix and quotes dropped."""
    return _ESCAPE.sub(_unescape, text.strip("LuU8").strip("'"))


def string_value(text: str) -> str:
    """What a C string literal holds, prefix and quotes dropped."""
    start = text.find('"')
    if start < 0:
        return text
    prefix, body = text[:start], text[start + 1 : -1]
    if prefix.endswith("R"):
        return body.partition("(")[2].rpartition(")")[0]
    return _ESCAPE.sub(_unescape, body) if "\\" in body else body


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "x":
        return chr(int(code[1:], 16) & 0x10FFFF)
    if code[0] in "01234567":
        return chr(int(code, 8))
    return _ESCAPES.get(code, code)
