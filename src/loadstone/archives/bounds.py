"""How much an archive may make us do, whatever it claims."""

from __future__ import annotations

from typing import Final

from loadstone.errors import TooLarge
from loadstone.quick_dataclass import dataclass

__all__ = ["Bounds", "UnpackBudget"]

_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Limits on one archive and all that is nested in it, in bytes and counts.

    ``ratio`` is how many bytes one packed byte may become, looked at from ``free`` unpacked bytes on: deflate cannot
    do better than 1,032, and real libraries reach some 100 with long runs of zeros.
    """

    total: int = 32 << 30
    member: int = 2 << 30
    nested: int = 1 << 30  # a container within a container is held in memory
    members: int = 1_000_000
    depth: int = 4
    ratio: int = 200
    free: int = 256 * _MIB


class UnpackBudget:
    """What is left of the bounds while one archive is read. Not thread-safe: one reader, one budget."""

    __slots__ = ("bounds", "counted", "path", "unpacked")

    def __init__(self, path: str, bounds: Bounds | None = None) -> None:
        self.path: str = path
        self.bounds: Bounds = bounds or Bounds()
        self.unpacked: int = 0
        self.counted: int = 0

    def count(self) -> None:
        """One more member. Raises :class:`TooLarge` when there are too many."""
        self.counted += 1
        if self.counted > self.bounds.members:
            raise self.too_large(f"more than {self.bounds.members:,} members")

    def spend(self, size: int) -> None:
        """``size`` more bytes were unpacked. Raises :class:`TooLarge` beyond the total."""
        self.unpacked += size
        if self.unpacked > self.bounds.total:
            raise self.too_large(f"more than {self.bounds.total:,} bytes when unpacked")

    def check_ratio(self, packed: int, unpacked: int) -> None:
        """Raise :class:`TooLarge` when a stream grows beyond what honest content does."""
        if unpacked > self.bounds.free and unpacked > packed * self.bounds.ratio:
            often = f"more than {self.bounds.ratio} times as many"
            raise self.too_large(f"{packed:,} packed bytes became {unpacked:,}, {often}")

    def check_member(self, name: str, size: int) -> None:
        """Raise :class:`TooLarge` for a member that would not be held in memory."""
        if size > self.bounds.member:
            raise self.too_large(f"{name} of {size:,} bytes, more than {self.bounds.member:,}")

    def check_depth(self, depth: int) -> None:
        """Raise :class:`TooLarge` for containers within containers beyond the bound."""
        if depth > self.bounds.depth:
            raise self.too_large(f"archives nested more than {self.bounds.depth} deep")

    def too_large(self, what: str) -> TooLarge:
        """The error for something beyond a bound."""
        return TooLarge(path=self.path, what=what)
