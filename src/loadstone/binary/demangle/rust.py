"""Rust's legacy names: C++ nested names whose last part is a hash. Source: rustc book, "Symbol Mangling", legacy."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["demangle_legacy_rust"]

_ESCAPED: Final = re.compile(r"\$([A-Za-z0-9]{1,8})\$")
_LENGTH: Final = re.compile(r"[0-9]{1,4}")
_HASH: Final = re.compile(r"h[0-9a-f]{16}\Z")
_MAX_PARTS: Final = 256

_ESCAPES: Final = {
    "SP": "@",
    "BP": "*",
    "RF": "&",
    "LT": "<",
    "GT": ">",
    "LP": "(",
    "RP": ")",
    "C": ",",
}


def _unescaped(match: re.Match[str]) -> str:
    word = match[1]
    if word[:1] == "u" and word[1:]:
        try:
            return chr(int(word[1:], 16))
        except (ValueError, OverflowError):
            return match[0]
    return _ESCAPES.get(word, match[0])


def demangle_legacy_rust(name: str) -> str | None:
    """The path without its hash; None when it is no such name.

    >>> demangle_legacy_rust("_ZN4core3fmt5write17h0123456789abcdefE")
    'core::fmt::write'
    """
    if not name.startswith("_ZN"):
        return None
    position = 3
    parts: list[str] = []
    while position < len(name) and name[position] in "0123456789" and len(parts) < _MAX_PARTS:
        digits = _LENGTH.match(name, position)
        assert digits is not None
        end = digits.end() + int(digits[0])
        parts.append(name[digits.end() : end])
        position = end
    if name[position : position + 1] != "E" or len(parts) < 2 or not _HASH.match(parts.pop()):
        return None
    return "::".join(_readable(part) for part in parts)


def _readable(part: str) -> str:
    if part.startswith("_$"):  # what begins with an escape has an underscore in front, to be an identifier
        part = part[1:]
    return _ESCAPED.sub(_unescaped, part.replace("..", "::"))
