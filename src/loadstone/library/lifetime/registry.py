"""All records of the process: one for each file, namespace and pinned digest, whatever the spelling.

Records are found by what the file is, not by what it is called (Qt's registry is keyed by spelling, so two spellings
load twice). A record lives as long as a handle of ours refers to it, it is loaded, or the system keeps it resident; the
last few are kept for the next request.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Hashable
from typing import Final
from weakref import WeakValueDictionary

from loadstone.files import FileId
from loadstone.library.adapters.base import Adapter
from loadstone.library.lifetime.record import LibraryRecord, LoadSource
from loadstone.quick_dataclass import dataclass, field

__all__ = ["Key", "Registry", "registry"]

Key = tuple[FileId, int, Hashable]
"""The file, the namespace, and the digest it is pinned to with the pins of what it needs (None: none)."""


@dataclass(slots=True)
class Registry:
    """Guarded by ``_lock``: ``_records``. ``owners`` is changed by one dictionary operation at a time."""

    owners: dict[int, LibraryRecord] = field(default_factory=dict)
    _recent: deque[LibraryRecord] = field(default_factory=lambda: deque(maxlen=32))
    _records: WeakValueDictionary[Key, LibraryRecord] = field(default_factory=WeakValueDictionary)
    _lock: threading.RLock = field(default_factory=threading.RLock)  # a finaliser may call back inside

    def record(self, key: Key, adapter: Adapter, source: Callable[[], LoadSource]) -> LibraryRecord:
        """The record of ``key``, made when there is none; ``source`` is called only then."""
        found = self._records.get(key)
        if found is not None:
            return found
        with self._lock:
            found = self._records.get(key)
            if found is None:
                found = self._records[key] = LibraryRecord(adapter, source(), self.owners)
                self._recent.append(found)
            return found

    def renewed(self, key: Key, adapter: Adapter, source: Callable[[], LoadSource]) -> LibraryRecord:
        """Another record in place of one whose file has moved or changed; the same while the system has that loaded.

        What is loaded keeps its inode: until it is unmapped no other file can have that.
        """
        with self._lock:
            found = self._records.get(key)
            if found is None or (found.is_resting and found not in self.owners.values()):
                found = self._records[key] = LibraryRecord(adapter, source(), self.owners)
                self._recent.append(found)
            return found

    def loaded(self) -> tuple[LibraryRecord, ...]:
        """The records whose library is loaded now."""
        return tuple(record for record in list(self.owners.values()) if record.opens)

    def before_fork(self) -> None:
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Only the forking thread is left: what others were doing to a record is never finished."""
        self._lock = threading.RLock()
        for record in list(self._records.values()):
            record.after_fork()


registry: Final = Registry()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=registry.before_fork,
        after_in_parent=registry.after_fork_in_parent,
        after_in_child=registry.after_fork_in_child,
    )
