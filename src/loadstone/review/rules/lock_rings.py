"""Rings of locks: each is held while the next is taken, and the last while the first is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from loadstone.review.analyses.facts import LockStep

__all__ = ["rings"]

_MAX_LOCKS: Final = 64
"""Locks of one program among which rings are looked for."""

_PAIR: Final = 2


def rings(edges: Mapping[tuple[str, str], LockStep]) -> Iterator[tuple[LockStep, ...]]:
    """The shortest ring through each lock that is in one of three or more, as the steps that close it.

    Args:
        edges: For the lock that is held and the one that is taken with it held: where that is done.

    Rings of two are two orders of one pair, which is another question. Locks that such a pair joins are left out.
    """
    after: dict[str, list[str]] = {}
    for held, taken in sorted(edges):
        if held != taken and (taken, held) not in edges:
            after.setdefault(held, []).append(taken)
    told: set[str] = set()
    for start in sorted(after)[:_MAX_LOCKS]:
        ring = _back_to(start, after) if start not in told else ()
        if len(ring) > _PAIR:
            told.update(ring)
            yield tuple(edges[one, other] for one, other in zip(ring, (*ring[1:], start), strict=True))


def _back_to(start: str, after: Mapping[str, list[str]]) -> tuple[str, ...]:
    """The locks on the shortest way from one back to it, itself first; empty when there is none."""
    came_from: dict[str, str] = {}
    work = [start]
    for current in work:
        for following in after.get(current, ()):
            if following == start:
                way = [current]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return tuple(reversed(way))
            if following not in came_from:
                came_from[following] = current
                work.append(following)
    return ()
