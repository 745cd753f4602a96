"""What a campaign does aside: replay one input in a child of its own, for no more than a share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from loadstone.fuzz.plan import Job
from loadstone.fuzz.worker.pipes import WorkerEnds
from loadstone.fuzz.worker.tracer import Traced

__all__ = ["REPLAY_S", "Replaying", "TimeShare"]

REPLAY_S: Final = 0.5
"""Seconds one input may be watched."""

Replaying = Callable[[Job], AbstractContextManager[tuple[Traced | None, WorkerEnds]]]
"""A child at a replay, loaded and stopped before its first call, and what it says; without a tracer it has run."""


class TimeShare:
    """Some seconds at once, and a share of all that go by from here on."""

    def __init__(self, first_s: float, share: float) -> None:
        self._first_s, self._share = first_s, share
        self._began = time.monotonic()
        self._spent_s = 0.0

    @property
    def is_left(self) -> bool:
        """Whether there is time for another look."""
        return self._spent_s <= self._first_s + self._share * (time.monotonic() - self._began)

    @contextmanager
    def spending(self) -> Iterator[None]:
        """What is done inside counts."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._spent_s += time.monotonic() - began
