"""A lock that a forked child finds free: of all threads only the forking one is left there, and nobody would let go."""

from __future__ import annotations

import os
import threading
from weakref import WeakSet

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Any, Final

__all__ = ["ForkSafeLock"]


class ForkSafeLock:
    """Use it with ``with``. What it guards must be sound between any two statements: a child may find it half done.

    Args:
        make: ``threading.RLock`` for a lock that its own thread may take again.

    >>> with ForkSafeLock():
    ...     pass
    """

    __slots__ = ("__weakref__", "_held", "_lock", "_make")

    def __init__(self, make: Callable[[], AbstractContextManager[Any]] = threading.Lock) -> None:
        self._make = make
        self._lock = make()
        self._held = self._lock  # the one that was taken, when a fork has replaced it since; guarded by the lock itself
        _locks.add(self)

    def __enter__(self) -> None:
        lock = self._lock
        lock.__enter__()
        self._held = lock

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.__exit__(kind, error, trace)

    def renew(self) -> None:
        """In a forked child: a lock that nobody holds."""
        self._lock = self._make()


_locks: Final[WeakSet[ForkSafeLock]] = WeakSet()


def _renew_all() -> None:
    for lock in tuple(_locks):
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
