"""Does garbage decide what is run? One input, with one pattern after another where nothing was written yet.

What a call reads before it is written need not reach its result: it may only decide which way it goes. So an input that
is new is run in children whose fresh memory and stack hold different patterns, and the blocks that each reaches are
compared. A block that is reached with one pattern every time, and never with another, was chosen by garbage.
Source: MemorySanitizer for the name of the error (a branch that depends on an uninitialised value).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from loadstone.fuzz.child.guarded_heap import FILL, OTHER_FILLS
from loadstone.fuzz.plan import Heap, Job
from loadstone.fuzz.worker.aside import REPLAY_S, Replaying, TimeShare
from loadstone.fuzz.worker.watched import Watched
from loadstone.fuzz.worker.witness import watch_blocks

__all__ = ["DECIDED", "GARBAGE", "GarbageWitness"]

GARBAGE: Final = "use-of-uninitialized-value"
DECIDED: Final = "which code runs depends on uninitialised memory"
_AGAIN: Final = 6
"""Times that both answers are asked for again: a library that throws dice must not give the same ones by luck."""
_FIRST_S: Final = 0.3
_SHARE: Final = 0.05
_BATCH: Final = 40
"""Inputs that are run one after another in a child, the latest first: a child takes longer than they do."""
_MOST_SUSPECTS: Final = 4
_MOST_SEEN: Final = 20_000


class GarbageWitness:
    """Looks at the inputs that are new, and at those that were tried, for a share of the time."""

    def __init__(self, job: Job, watched: Watched, replaying: Replaying) -> None:
        self._job = replace(job, replay=True, heap=Heap.EXACT, compares=(), compare_slots=())
        self._watched, self._replaying = watched, replaying
        self._todo = dict.fromkeys(job.inputs[-1:] if job.replay else job.inputs)
        self._seen: set[bytes] = set()
        self._told: set[int] = set()
        self._time = TimeShare(_FIRST_S, _SHARE)

    def add(self, *inputs: bytes) -> None:
        """Inputs that are worth a look, the most promising first; many of them are not all looked at."""
        self._todo |= dict.fromkeys(data for data in reversed(inputs[:_BATCH]) if data not in self._seen)

    def look(self) -> list[tuple[bytes, int]]:
        """Inputs for which garbage decides, each with a block that it chose; of those told before, none."""
        found = []
        while self._todo and self._time.is_left:
            with self._time.spending():
                batch = tuple(self._todo)[-_BATCH:]
                for data in batch:
                    del self._todo[data]
                self._seen.update(batch)
                chosen = [(data, self._chosen(data)) for data in self._suspects(batch)]
            for data, block in chosen:
                if block is not None and block not in self._told:
                    self._told.add(block)
                    found.append((data, block))
        if len(self._seen) > _MOST_SEEN:
            self._seen.clear()
        return found

    def _suspects(self, batch: tuple[bytes, ...]) -> list[bytes]:
        """Those of several inputs, run one after another, that reach other blocks with another pattern."""
        usual, *others = (self._reached(batch, fill) for fill in (FILL, *OTHER_FILLS))
        suspects = {
            data: None
            for other in others
            for data, one, another in zip(batch, usual, other, strict=False)
            if set(one) != set(another)
        }
        return list(suspects)[:_MOST_SUSPECTS]

    def _chosen(self, data: bytes) -> int | None:
        """The first block that is reached with one pattern and not with another, if that is so every time."""
        usual = self._reached((data,), FILL)
        for fill in OTHER_FILLS:
            other = self._reached((data,), fill)
            if not usual or not other or set(other[0]) == set(usual[0]):
                continue
            again = ((self._reached((data,), FILL), self._reached((data,), fill)) for _ in range(_AGAIN))
            if all(both == (usual, other) for both in again):
                return next(b for b in (*other[0], *usual[0]) if (b in usual[0]) is not (b in other[0]))
        return None

    def _reached(self, inputs: tuple[bytes, ...], fill: int) -> list[tuple[int, ...]]:
        """The blocks that each input reaches, in that order; of those only where that can be known."""
        with self._replaying(replace(self._job, inputs=inputs, fill=fill)) as (traced, _):
            return watch_blocks(traced, self._watched, REPLAY_S) if traced else []
