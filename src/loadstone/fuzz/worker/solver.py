"""What new inputs are compared with: watched in children of their own, and solved for the next child to try."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from random import Random
from typing import Final

from loadstone.fuzz.child.listener import heard
from loadstone.fuzz.child.mutate import mutate
from loadstone.fuzz.plan import Job
from loadstone.fuzz.worker.aside import REPLAY_S, Replaying, TimeShare
from loadstone.fuzz.worker.solve import solutions
from loadstone.fuzz.worker.watched import Watched
from loadstone.fuzz.worker.witness import Met, watch_compares

__all__ = ["Solver"]

_FIRST_S: Final = 0.5
_SHARE: Final = 0.1
_MAX_TRIES: Final = 400
_LOOKS: Final = 16
_MAX_LEADS: Final = 1000


class Solver:
    """Turns inputs that are new into inputs to try.

    One comparison in front of another needs two steps, of which the first reaches no new block. So what is tried is
    watched as well, as long as it compares something more often than any input before: it went further.
    """

    def __init__(self, job: Job, corpus: list[bytes], watched: Watched, replaying: Replaying) -> None:
        """``corpus`` is the campaign's own: what went further joins it."""
        self._job = replace(job, replay=True, blocks=())
        self._corpus, self._watched, self._replaying = corpus, watched, replaying
        self._new = list(job.inputs)
        self._leads: deque[bytes] = deque(maxlen=_MAX_LEADS)
        self._counted: set[tuple[int, int]] = set()
        self._time = TimeShare(_FIRST_S, _SHARE)
        self._random = Random(job.seed)  # noqa: S311 - repeatable on purpose
        self.tries: tuple[bytes, ...] = ()

    def add(self, data: bytes) -> None:
        """An input that is new."""
        self._new.append(data)

    @property
    def is_waiting(self) -> bool:
        """Whether there is something new to watch, and time for it."""
        return bool(self._new) and self._can_solve()

    def solve(self, slack: int) -> None:
        """Watch what the newest inputs are compared with; ``tries`` are what would pass."""
        self.tries = ()
        looks = 0
        while looks < _LOOKS and len(self.tries) < _MAX_TRIES and self._can_solve():
            with self._time.spending():
                data = self._subject()
                met = self._met(replace(self._job, inputs=(data,), slack=slack))
                guesses = solutions(data, met.seen, self._job.max_size, _MAX_TRIES)
                if not met.counts <= self._counted:
                    self._counted |= met.counts
                    self._corpus.append(data)
                    self._leads.extendleft(reversed(guesses))
                self.tries = tuple(dict.fromkeys((*self.tries, *guesses)))
            looks += 1

    def _can_solve(self) -> bool:
        return bool(self._job.compares or self._job.compare_slots) and self._time.is_left

    def _subject(self) -> bytes:
        """An input worth watching: one that is new, one that may have gone further, or any."""
        if self._new:
            data = self._new.pop()
        elif self._leads:
            data = self._leads.popleft()
        else:
            data = mutate(self._random.random, self._corpus, self._job.words, self._job.max_size)
        return data[: self._job.max_size]

    def _met(self, job: Job) -> Met:
        """What one input is compared with, in a child of its own."""
        met = Met()
        with self._replaying(job) as (traced, ends):
            if traced is not None:
                met = watch_compares(traced, self._watched.compares(job.compares), REPLAY_S)
            return met._replace(seen=(*heard(ends.said()), *met.seen))
