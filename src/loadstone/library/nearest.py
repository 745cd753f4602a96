"""Names that look like a name: what somebody may have meant who asked for a symbol that is not there."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

__all__ = ["nearest"]

_LENGTH_SLACK: Final = 3
_MAX_COMPARED: Final = 2_000
"""Names compared letter by letter: bounds a miss to some 20 ms in a library with 50,000 symbols."""


def nearest(wanted: str, names: Sequence[str], count: int = 3) -> tuple[str, ...]:
    """The closest of ``names``, best first: equal but for case or underscores, then containing it, then alike. Pure.

    >>> nearest("crc23", ["crc32", "adler32", "deflate"])
    ('crc32',)
    """
    folded = _folded(wanted)
    same = [n for n in names if _folded(n) == folded and n != wanted]
    close = [n for n in names if abs(len(n) - len(wanted)) <= _LENGTH_SLACK][:_MAX_COMPARED]
    alike = get_close_matches(wanted, close, n=count, cutoff=0.6)
    inside = [n for n in names if len(wanted) > 3 and wanted in n and n != wanted]
    return tuple(dict.fromkeys((*same, *alike, *sorted(inside, key=len))))[:count]


def _folded(name: str) -> str:
    return name.replace("_", "").casefold()
