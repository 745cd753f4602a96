"""What the libraries of a survey define and want, worked out once for all the loads they take part in.

A name that only one library defines is bound to that one wherever it is in scope, whatever else is loaded: such wants
are settled once a library. What is left to look up for each load are the few names that several define, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from loadstone.quick_dataclass import dataclass, field

__all__ = ["SymbolIndex"]


@dataclass(slots=True)
class _Wants:
    """What one file wants: by its only definer, and the rest; how far the log of shared names has been read."""

    rank: dict[int, int]  # of a position among the relocations
    settled: dict[str, tuple[int, list[int]]] = field(default_factory=dict)  # by name: the definer, the positions
    by_definer: dict[int, int] = field(default_factory=dict)  # how many names each settles
    rest: set[int] = field(default_factory=set)
    in_order: list[int] | None = None  # the rest, until it grows
    read: int = 0


class SymbolIndex:
    """Who defines what, and what is thereby settled. Grows while a survey goes on; not thread-safe.

    Files are told apart by numbers of its own, so that no image has to be kept.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._known: set[int] = set()
        self._definers: dict[str, tuple[int, ...] | list[int]] = {}  # a list where there are several
        self._shared: list[str] = []  # names that got a second definer, in that order
        self._wants: dict[int, _Wants] = {}

    def number_of(self, stamp: Hashable, names: Callable[[], Iterable[str]]) -> int:
        """The number of a file; ``names`` are those a lookup can meet in it, asked for when it is first met."""
        number = self._numbers.setdefault(stamp, len(self._numbers))
        if number not in self._known:
            self._known.add(number)
            self._add(number, names())
        return number

    def _add(self, number: int, names: Iterable[str]) -> None:
        alone = (number,)
        definers = self._definers
        for name in names:
            found = definers.setdefault(name, alone)
            if isinstance(found, list):
                found.append(number)
            elif found is not alone:
                definers[name] = [*found, number]
                self._shared.append(name)

    def definers(self, name: str) -> Sequence[int]:
        """The files that define a name, by their numbers."""
        return self._definers.get(name, ())

    def undecided(self, file: int, wanted: Iterable[tuple[int, str, bool]], in_scope: Iterable[int]) -> list[int]:
        """The positions that must be looked up for a load with these files in scope, in the order of relocation.

        ``wanted`` are position, name and whether the only definer surely serves it; asked for once a file.
        """
        wants = self._wants.get(file)
        if wants is None:
            wants = self._wants[file] = self._sorted(wanted)
        self._unsettle(wants)
        there = set(in_scope)
        gone = {d for d, count in wants.by_definer.items() if count and d not in there}
        if wants.in_order is None:
            wants.in_order = sorted(wants.rest, key=wants.rank.__getitem__)
        if not gone:
            return wants.in_order
        found = {p for definer, positions in wants.settled.values() if definer in gone for p in positions}
        return sorted(found | wants.rest, key=wants.rank.__getitem__)

    def _unsettle(self, wants: _Wants) -> None:
        """Names that got a second definer since this was last asked are to be looked up again."""
        shared: Iterable[str] = self._shared[wants.read :]
        if len(self._shared) - wants.read > len(wants.settled):
            shared = [name for name in wants.settled if len(self._definers[name]) > 1]
        for name in shared:
            settled = wants.settled.pop(name, None)
            if settled is not None:
                definer, positions = settled
                wants.by_definer[definer] -= 1
                wants.rest.update(positions)
                wants.in_order = None
        wants.read = len(self._shared)

    def _sorted(self, wanted: Iterable[tuple[int, str, bool]]) -> _Wants:
        wants = _Wants({}, read=len(self._shared))
        for rank, (position, name, served) in enumerate(wanted):
            wants.rank[position] = rank
            definers = self._definers.get(name, ())
            if len(definers) != 1 or not served:
                wants.rest.add(position)
                continue
            definer = definers[0]
            known = wants.settled.get(name)
            if known is None:
                wants.settled[name] = (definer, [position])
                wants.by_definer[definer] = wants.by_definer.get(definer, 0) + 1
            else:
                known[1].append(position)
        return wants
