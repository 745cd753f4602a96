"""Whether what a library gave out may still be used: one :class:`Life` for a handle's load.

Pointers, functions and views ask it before every use; closing it closes all of them at once, in constant time. Calls
are counted while they run, so that nobody unmaps code under them. The extension has both classes; these are the same.
"""

from __future__ import annotations

from loadstone.core.fork_safe_lock import ForkSafeLock
from loadstone.errors import Closed

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from typing import Self

__all__ = ["Address", "Life", "closed"]

try:
    from loadstone.library.typed._fastcall import Address, Life
except ImportError:  # not built, or not for this machine

    class Life:  # type: ignore[no-redef]
        """Open until it is closed. ``enter`` counts a call and says whether it may be made; ``leave`` follows."""

        __slots__ = ("_lock", "calls", "file_name", "is_open")

        def __init__(self, file_name: str) -> None:
            self.file_name: str = file_name
            self.is_open: int = 1
            self.calls: int = 0
            self._lock = ForkSafeLock()  # guards calls; nothing else is done under it

        def enter(self) -> bool:
            with self._lock:
                self.calls += 1
            return bool(self.is_open)

        def leave(self) -> None:
            with self._lock:
                self.calls -= 1

        def close(self) -> int:
            self.is_open = 0
            with self._lock:
                return self.calls

        def reopen(self) -> None:
            self.is_open = 1

    class Address:  # type: ignore[no-redef]
        """An address and the life it has."""

        __slots__ = ("__weakref__", "_address", "_life")

        def __new__(cls, address: int, life: Life) -> Self:
            self = super().__new__(cls)
            object.__setattr__(self, "_address", address)
            object.__setattr__(self, "_life", life)
            return self

        @property
        def address(self) -> int:
            return self._address  # type: ignore[attr-defined,no-any-return]

        @property
        def life(self) -> Life:
            return self._life  # type: ignore[attr-defined,no-any-return]


def closed(what: str, life: Life) -> Closed:
    """The error for the use of something whose library was closed."""
    return Closed(library=life.file_name, attempted=f"use {what}", advice="it was closed with its library")
