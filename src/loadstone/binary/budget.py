"""How much one image may still cost: a file of a megabyte must not be able to ask for a gigabyte of names.

Tables in a file may overlap, and entries may point to the same bytes any number of times; checking each one against
the end of the file bounds none of that. A budget counted from the size of the file does.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ReadBudget"]

_FEW: Final = 4096
_BYTES_AN_ITEM: Final = 24
"""Room for table entries and a name; the densest real libraries, of forwarders only, have 60 bytes a symbol."""


class ReadBudget:
    """Items (symbols, nodes, records) and characters of text that may still be read from a file of ``size`` bytes.

    >>> budget = ReadBudget(0)
    >>> budget.items(4096), budget.items(1)
    (True, False)
    """

    __slots__ = ("_characters", "_items")

    def __init__(self, size: int) -> None:
        self._items = _FEW + size // _BYTES_AN_ITEM
        self._characters = 16 * _FEW + 4 * size

    def items(self, count: int = 1) -> bool:
        """Take ``count`` items; False when they are no longer there."""
        self._items -= count
        return self._items >= 0

    def characters(self, count: int) -> bool:
        """Take ``count`` characters; False when they are no longer there."""
        self._characters -= count
        return self._characters >= 0

    @property
    def items_left(self) -> int:
        return max(self._items, 0)

    @property
    def characters_left(self) -> int:
        return max(self._characters, 0)
