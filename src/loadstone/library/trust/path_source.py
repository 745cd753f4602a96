"""Where a load gets its bytes from: here the file itself, by its path. ``sealed.py`` has the other kind."""

from __future__ import annotations

import itertools
import os
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from loadstone.binary import read
from loadstone.core.image import Image, ImageSymbol
from loadstone.errors import LoadstoneError
from loadstone.files import FileStamp, file_id, open_regular
from loadstone.library.adapters.base import BASE_NAMESPACE, Opened
from loadstone.library.trust.places import assurance_of
from loadstone.library.trust.policy import Assurance
from loadstone.library.trust.preflight import Footprint

__all__ = ["PathSource", "ProgramSource"]

_spellings: Final = itertools.count(1)


class PathSource:
    """A file given to the system by its path. Nothing vouches for what the path leads to by then."""

    __slots__ = ("_image", "footprint", "namespace", "path", "stamp")

    unverified: tuple[str, ...] = ()

    def __init__(
        self, path: str, footprint: Footprint, stamp: FileStamp | None, namespace: int = BASE_NAMESPACE
    ) -> None:
        self.path: str = path
        self.footprint: Footprint = footprint
        self.stamp: FileStamp | None = stamp
        self.namespace: int = namespace
        self._image: Image | None = None

    @property
    def assurance(self) -> Assurance:
        """What the place of the file is worth."""
        return assurance_of(self.path)

    def prepared(self) -> AbstractContextManager[str]:
        """The path, as it is."""
        return nullcontext(self.path)

    def confirm(self, opened: Opened) -> None:
        """Nothing was promised."""

    def respelled(self) -> str:
        """The same file and the same ``$ORIGIN``, but a name that the loader has not seen in this process."""
        directory, base = os.path.split(self.path)
        return f"{directory}{'/.' * next(_spellings)}/{base}"

    def exports_named(self, name: str, provider: str | None) -> tuple[ImageSymbol, ...]:
        """The exports of that name, of this file or of a library it needs; none when the file cannot be read."""
        image = self._read() if provider is None else _read(provider)
        return tuple(s for s in image.symbols.named(name) if s.exported) if image else ()

    def exported_names(self) -> tuple[str, ...]:
        """Every exported name."""
        image = self._read()
        return tuple(s.name for s in image.exports) if image else ()

    def _read(self) -> Image | None:
        if self._image is None:
            self._image = _read(self.path, self.stamp)
        return self._image


def _read(path: str, stamp: FileStamp | None = None) -> Image | None:
    """What is at the path; None when that was removed, or replaced: of the symbols of what is loaded nothing is known.

    What is loaded keeps its inode, so by that it is known. Its times may change meanwhile.
    """
    try:
        with open(path, "rb", buffering=0, opener=open_regular) as file:
            there = file_id(os.fstat(file.fileno()))
            return read(file.fileno(), path=path) if stamp is None or there == stamp[:2] else None
    except (LoadstoneError, OSError):
        return None


class ProgramSource(PathSource):
    """The running program, which the system has opened already: its own names, and those of all it shares them with."""

    __slots__ = ()

    def __init__(self, path: str) -> None:
        super().__init__(path, Footprint(), None)

    def prepared(self) -> AbstractContextManager[str]:
        """No path: that is how the system's loader is asked for the program."""
        return nullcontext("")
