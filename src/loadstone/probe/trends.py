"""From looks at a process over many cycles to a verdict: does it keep growing, or was it a cache that filled?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from loadstone.core.observations import ObservationKind, Phase, Soak, Trend, Witness
from loadstone.probe.answer import CountedObservation

__all__ = ["GROWTH", "LEAST_CYCLES", "WARM_UP", "cycles_between_looks", "growth", "is_enough", "soak_of"]

LEAST_CYCLES: Final = 64
"""Fewer cycles cannot tell a slope from the steps in which allocators take memory."""

WARM_UP: Final = 16
"""Cycles before the first look: glibc keeps up to 7 freed pieces of a size as in use (tcache, malloc(3))."""

_PARTS: Final = 4
_MOST_LOOKS: Final = 128


class _Quantity(NamedTuple):
    """What is looked at: its unit, who says so, and as what its growth is told.

    ``least`` is what must be gained in all to count as growth, ``most`` what tells it at once: a process that has
    all the descriptors or threads it may have grows no further.
    """

    unit: str
    witness: Witness
    least: int
    most: int
    kind: ObservationKind


_QUANTITIES: Final[Mapping[str, _Quantity]] = {
    "private memory": _Quantity("bytes", Witness.KERNEL, 64 << 10, 128 << 20, ObservationKind.MEMORY_GROWTH),
    "allocated memory": _Quantity("bytes", Witness.CHILD, 256, 128 << 20, ObservationKind.MEMORY_GROWTH),
    "mappings": _Quantity("", Witness.KERNEL, 4, 16_384, ObservationKind.MEMORY_GROWTH),
    "descriptors": _Quantity("", Witness.KERNEL, 4, 256, ObservationKind.DESCRIPTOR_GROWTH),
    "threads": _Quantity("", Witness.KERNEL, 4, 32, ObservationKind.THREAD_GROWTH),
}


GROWTH: Final = frozenset(quantity.kind for quantity in _QUANTITIES.values())
"""What a soak can tell."""


def cycles_between_looks(asked: int) -> int:
    """So few that a soak of ``asked`` cycles is looked at often enough, and not much more often.

    >>> cycles_between_looks(64), cycles_between_looks(10_000)
    (1, 78)
    """
    return max(1, (asked - WARM_UP + _MOST_LOOKS - 1) // _MOST_LOOKS)


def soak_of(series: Mapping[str, Sequence[int]], asked: int, done: int) -> Soak:
    """The trend of every quantity that was seen often enough. Pure.

    Args:
        series: looks by quantity, the first one after the warm-up, the others equally many cycles apart.
        asked: cycles that were wanted.
        done: cycles that were made, the warm-up included.

    >>> soak_of({"descriptors": range(5, 105)}, 115, 115).trends[0].slope
    1.0
    """
    enough = done >= LEAST_CYCLES or is_enough(series)
    trends = (_trend(name, looks, done - WARM_UP) for name, looks in series.items() if enough and len(looks) > 1)
    return Soak(done, asked, tuple(trends))


def is_enough(series: Mapping[str, Sequence[int]]) -> bool:
    """Whether something grew so much already that further cycles would tell nothing more."""
    return any(looks[-1] - looks[0] >= _QUANTITIES[name].most for name, looks in series.items())


def growth(soak: Soak) -> list[CountedObservation]:
    """What grows, as observations."""
    return [
        CountedObservation(_QUANTITIES[trend.quantity].kind, Phase.RELOAD, trend.witness, _sentence(trend, soak.cycles))
        for trend in soak.trends
        if trend.grows
    ]


def _sentence(trend: Trend, cycles: int) -> str:
    span = f"from {trend.first:,} to {trend.last:,}{trend.unit and ' ' + trend.unit}"
    return (
        f"{trend.quantity} grew {span}, {trend.slope:,.1f} with every cycle of load and unload, over {cycles:,} cycles"
    )


def _trend(name: str, looks: Sequence[int], cycles: int) -> Trend:
    quantity = _QUANTITIES[name]
    gained = looks[-1] - looks[0]
    grows = gained >= quantity.most or (gained >= quantity.least and _keeps_rising(looks))
    return Trend(name, quantity.unit, quantity.witness, looks[0], looks[-1], gained / cycles, grows)


def _keeps_rising(looks: Sequence[int]) -> bool:
    """Whether it rose from each quarter to the next, by no less in the end than a third of what it rose before.

    Of too few looks for quarters, each must be higher than the one before.

    What settles - a cache, a table that doubles - rises less and less; a leak rises as long as it goes on.

    >>> _keeps_rising([1, 1, 2, 2, 3, 3, 4, 4]), _keeps_rising([1, 5, 8, 8, 8, 8, 8, 8])
    (True, False)
    """
    if len(looks) < 2 * _PARTS:
        return all(later > earlier for earlier, later in pairwise(looks))
    ends = [len(looks) * part // _PARTS for part in range(_PARTS + 1)]
    levels = [sorted(looks[begin:end])[(end - begin) // 2] for begin, end in pairwise(ends)]
    rises = [later - earlier for earlier, later in pairwise(levels)]
    return min(rises) > 0 and 3 * rises[-1] >= max(rises)
