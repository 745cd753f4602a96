"""The dynamic string table: names by offset, one at a time or a whole column, within a bound on all together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, count
from operator import add
from typing import Final

from loadstone.core.limits import MAX_STRING_LENGTH

__all__ = ["StringTable"]

_SHARING: Final = 8
"""Link editors let names share their tails, so all names together may be longer than the table, though hardly. A file
that points a million symbols into one long string gets no more than this many times the table out of it."""

_MANY_FOR_SPLITTING: Final = 4
"""Splitting the whole table beats looking up names one by one, unless it holds far more strings than are asked for."""


class StringTable:
    """NUL-terminated strings at arbitrary offsets of one block of bytes; undecodable bytes survive as surrogates.

    The bound is on a whole column, or on all single names together: a column asked for late, by several threads at
    once, does not take from what another gets.

    Where loaders ignore the stated size of the table, ``whole`` gives the block as they see it. It is called once, when
    a string is asked for that the stated part does not hold; such a table belongs to one thread, that of its reader.
    """

    __slots__ = ("_budget", "_data", "_whole", "offset")

    def __init__(self, data: bytes = b"", offset: int = 0, whole: Callable[[], bytes] | None = None) -> None:
        self._data = data
        self._budget = self._bound  # of names asked for one by one
        self._whole = whole
        self.offset: int = offset  # of the block in the file

    def __len__(self) -> int:
        return len(self._data)

    def at(self, position: int) -> str | None:
        """The string that begins at ``position``; None outside the table, where no NUL ends it, or over the budget."""
        name = self._within(position) if self._budget >= 0 else None
        if name is not None:
            self._budget -= len(name)
        return name

    def has(self, name: str) -> bool:
        """Whether ``name`` is a string of its own in the table."""
        return self.find(name.encode()) > 0

    def find(self, name: bytes) -> int:
        """Where ``name`` begins as a string of its own, or -1."""
        at = self._data.find(b"\0" + name + b"\0")
        return at + 1 if at >= 0 else -1

    def column(self, positions: Sequence[int]) -> tuple[tuple[str, ...], int]:
        """The strings at all ``positions``, and how many of them there was no string for (an empty one stands in)."""
        if not positions:
            return (), 0
        if self._whole is not None and max(positions) >= len(self._data):
            self._extend()
        if self._data.count(b"\0") <= _MANY_FOR_SPLITTING * len(positions) and self._data.isascii():
            return self._split(positions)
        return self._looked_up(positions, {})

    def _split(self, positions: Sequence[int]) -> tuple[tuple[str, ...], int]:
        """All strings of the table at once; those that begin inside another one are looked up."""
        pieces = self._data.decode("ascii").split("\0")
        pieces.pop()  # what follows the last NUL has no end
        if self._has_endless():
            return self._looked_up(positions, {})
        starts = map(add, accumulate(map(len, pieces), initial=0), count())
        known = dict(zip(starts, pieces, strict=False))
        names = tuple(map(known.get, positions))
        if None not in names:
            return names, 0  # type: ignore[return-value]  # just shown to hold no None
        return self._looked_up(positions, known)

    def _has_endless(self) -> bool:
        """Whether some string is longer than any may be; found by the NULs, a step of that length at a time."""
        at = 0
        while at < len(self._data) - MAX_STRING_LENGTH:
            last = self._data.rfind(b"\0", at, at + MAX_STRING_LENGTH + 1)
            if last < 0:
                return True
            at = last + 1
        return False

    def _looked_up(self, positions: Sequence[int], known: dict[int, str]) -> tuple[tuple[str, ...], int]:
        """Only what is not ``known`` is looked up: most tables share a few tails, and have thousands of names."""
        absent = 0
        budget = self._bound
        for position in sorted(set(positions) - known.keys()):
            name = self._within(position) if budget >= 0 else None
            absent += name is None
            budget -= len(name or "")
            known[position] = name or ""
        return tuple(map(known.__getitem__, positions)), absent

    @property
    def _bound(self) -> int:
        return _SHARING * len(self._data) + MAX_STRING_LENGTH

    def _extend(self) -> bool:
        """Whether there is more of the table than was said, now at hand."""
        whole, self._whole = self._whole, None
        data = whole() if whole is not None else b""
        if len(data) <= len(self._data):
            return False
        self._budget += _SHARING * (len(data) - len(self._data))
        self._data = data
        return True

    def _within(self, position: int) -> str | None:
        stop = self._data.find(b"\0", position, position + MAX_STRING_LENGTH) if position < len(self._data) else -1
        if stop < 0 and self._extend():
            stop = self._data.find(b"\0", position, position + MAX_STRING_LENGTH)
        return self._data[position:stop].decode("utf-8", "surrogateescape") if stop >= 0 else None
