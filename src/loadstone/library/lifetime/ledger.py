"""The ledger of live objects: what still points into a library, known without keeping it alive.

ctypes functions take weak references but are unhashable, so entries are keyed by ``id`` and removed by the reference's
own callback, which runs before the memory can be reused. An entry is also a lease: who adds one first and then finds
the library loaded may use it, because an unload publishes its intent before it reads the ledger (see ``record.py``).
"""

from __future__ import annotations

import weakref

from loadstone.errors import Holder

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Ledger"]


class _Entry(weakref.ref["Any"]):
    __slots__ = ("key", "kind", "life", "name")

    key: int
    life: object
    kind: str
    name: str


class Ledger:
    """Weakly held objects with their kind and name. Thread-safe: every change is one dictionary operation."""

    __slots__ = ("__weakref__", "_entries", "_forget", "lives")

    def __init__(self) -> None:
        entries: dict[int, _Entry] = {}

        def forget(entry: _Entry) -> None:
            if entries.get(entry.key) is entry:  # PyPy calls back late: another object may have the id by then
                entries.pop(entry.key, None)

        self._entries = entries
        self.lives: list[Any] = []  # of every load; pointers that C gave out have no entry, and end with them
        self._forget = forget

    def add(self, kind: str, name: str, obj: object, life: object = None) -> None:
        """Note that ``obj`` points into the library. Adding the same object again replaces its entry.

        ``kind`` (function, data, callback, symbol ...) and ``name`` are what a refused unload names.
        ``life`` is what ends it when a handle is closed; None where nothing does.
        """
        entry = _Entry(obj, self._forget)
        entry.key = id(obj)
        entry.kind = kind
        entry.name = name
        entry.life = life
        self._entries[entry.key] = entry

    def release(self, life: object) -> None:
        """Forget everything of that life, which was closed: none of it can be used any more."""
        for entry in list(self._entries.values()):
            if entry.life is life:
                self._entries.pop(entry.key, None)
                close = getattr(type(entry()), "_close_", None)
                if close is not None:
                    close(entry())

    def end(self) -> None:
        """The library is about to be unmapped: what was given out and has no entry refuses from now on."""
        while self.lives:
            self.lives.pop().close()

    def __bool__(self) -> bool:
        return any(entry() is not None for entry in list(self._entries.values()))

    def snapshot(self) -> tuple[Holder, ...]:
        """What is alive now, in the order it was added."""
        return tuple(Holder(e.kind, e.name) for e in list(self._entries.values()) if e() is not None)
