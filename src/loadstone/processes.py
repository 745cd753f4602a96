"""Work shared by processes that an interrupt ends at once: what was given out and not begun is dropped."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

__all__ = ["mapped"]

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def mapped(
    function: Callable[[_Item], _Made], items: Sequence[_Item], *, processes: int | None = None, together: int = 1
) -> Iterator[_Made]:
    """``function`` of each item, in order, as they are done.

    ``processes`` is their number (None: as many as there are processors); each takes ``together`` items at a time.
    """
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        with _interrupts_held():  # one that came meanwhile is raised at its end
            made = pool.map(function, items, chunksize=together)
        yield from made
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes started within never see Ctrl-C, which is for this process alone; it gets one of meanwhile afterwards.

    Windows has no signal mask: there an interrupt within this block is lost.
    """
    if sys.platform == "win32":
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
    else:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
