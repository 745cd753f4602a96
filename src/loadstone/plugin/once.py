"""Make a thing once, however many threads ask for it at the same time, without a lock held while it is made."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, MutableMapping
from typing import Generic, TypeVar

from loadstone.core.fork_safe_lock import ForkSafeLock
from loadstone.quick_dataclass import dataclass, field

__all__ = ["AskedWhileMaking", "Once"]

T = TypeVar("T")


class AskedWhileMaking(RuntimeError):
    """What makes the thing asked for it, and would wait for itself."""


@dataclass(eq=False, slots=True)
class _Making:
    """One attempt under way: by which thread of which process, and its end."""

    thread: int = field(default_factory=threading.get_ident)
    process: int = field(default_factory=os.getpid)
    ended: threading.Event = field(default_factory=threading.Event)


class Once(Generic[T]):
    """Things by key, made at the first question, and again when ``kept`` has lost one.

    Args:
        kept: where they are kept; a ``WeakValueDictionary`` forgets those that nobody uses.
        usable: whether one that was kept may still be given out.

    Thread-safe. A failed attempt is told to who made it; the others who waited try themselves.
    """

    def __init__(self, kept: MutableMapping[Hashable, T], usable: Callable[[T], bool] = lambda _kept: True) -> None:
        self._kept = kept
        self._usable = usable
        self._making: dict[Hashable, _Making] = {}
        self._lock = ForkSafeLock()
        """Guards both tables; never held while something is made."""

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The thing of that key. Raises AskedWhileMaking, and whatever ``make`` raises."""
        while True:
            with self._lock:
                found = self._kept.get(key)
                if found is not None and self._usable(found):
                    return found
                making = self._making.get(key)
                if making is None or making.process != os.getpid():  # over a fork: its thread is gone
                    ours = self._making[key] = _Making()
                    break
            if making.thread == threading.get_ident():
                raise AskedWhileMaking
            making.ended.wait()
        try:
            made = make()
            with self._lock:
                self._kept[key] = made
            return made
        finally:
            with self._lock:
                if self._making.get(key) is ours:
                    del self._making[key]
            ours.ended.set()
