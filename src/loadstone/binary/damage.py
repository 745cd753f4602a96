"""What reading did not believe: recorded in tolerant mode, raised in strict mode, bounded in both."""

from __future__ import annotations

from typing import Final

from loadstone.core.image import Damage
from loadstone.errors import MalformedImage

__all__ = ["DamageLog"]

_MAX_ENTRIES: Final = 256
"""Beyond this a file is not damaged but noise; the last entry then says how many were left out."""


class DamageLog:
    """Collects :class:`Damage` while one image is read.

    A reader that meets a contradiction calls :meth:`add` and goes on with what it can still believe; in strict mode
    the call raises :class:`MalformedImage` instead. One log serves one image; not shared between threads.
    """

    __slots__ = ("_entries", "_left_out", "_path", "_strict")

    def __init__(self, path: str | None = None, *, strict: bool = False) -> None:
        self._entries: list[Damage] = []
        self._left_out = 0
        self._path = path
        self._strict = strict

    def add(self, field: str, what: str, offset: int, *, fatal: bool = False) -> None:
        """Record that ``field``, seen at ``offset`` in the file, contradicts the format; ``fatal`` to loaders too."""
        if self._strict:
            raise MalformedImage(what=f"{field}: {what}", offset=offset, path=self._path)
        if len(self._entries) < _MAX_ENTRIES:
            self._entries.append(Damage(field, what, offset, fatal))
        else:
            self._left_out += 1

    def entries(self) -> tuple[Damage, ...]:
        """Everything recorded, in the order it was met."""
        if not self._left_out:
            return tuple(self._entries)
        return (*self._entries, Damage("file", f"{self._left_out} further contradictions not listed", 0))
