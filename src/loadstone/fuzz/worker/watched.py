"""Which code is watched: the entry of every function, and the blocks of those that were entered.

A library of a hundred thousand blocks runs a few hundred of them. Setting the others' breakpoints in every child would
take longer than what the child has time for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from loadstone.fuzz.plan import Compare

__all__ = ["Watched"]


class Watched:
    """Blocks not reached yet (virtual address to first byte), by the function they belong to."""

    def __init__(self, blocks: Iterable[tuple[int, int]], entries: tuple[int, ...]) -> None:
        self._entries = entries
        self._all = dict(blocks)
        self._left: dict[int, dict[int, int]] = {}
        self.total: int = 0
        for address, byte in self._all.items():
            self._left.setdefault(self._owner(address), {})[address] = byte
            self.total += 1
        self._entered: set[int] = set()

    def anew(self) -> Watched:
        """The same blocks, none of them reached."""
        return Watched(self._all.items(), self._entries)

    def byte(self, block: int) -> int:
        """The first byte of a block."""
        return self._all[block]

    def now(self) -> dict[int, int]:
        """What a new child is watched at."""
        found: dict[int, int] = {}
        for owner, blocks in self._left.items():
            if owner in self._entered or owner not in blocks:  # nothing would tell that it is entered
                found |= blocks
            else:
                found[owner] = blocks[owner]
        return found

    def reached(self, address: int) -> dict[int, int]:
        """A block was reached; what is to be watched besides, because its function is entered for the first time."""
        owner = self._owner(address)
        blocks = self._left.get(owner, {})
        if blocks.pop(address, None) is not None:
            self.total -= 1
        if owner in self._entered:
            return {}
        self._entered.add(owner)
        return dict(blocks)

    def compares(self, all_of_them: Iterable[Compare]) -> tuple[Compare, ...]:
        """The comparing instructions of functions that were entered."""
        return tuple(compare for compare in all_of_them if self._owner(compare.address) in self._entered)

    def _owner(self, address: int) -> int:
        """The entry of the function an address belongs to; the address itself where none is known."""
        at = bisect_right(self._entries, address) - 1
        return self._entries[at] if at >= 0 else address
