"""What a search in this process starts from: its loader's model and its program, read once and kept while they hold."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from time import monotonic
from typing import Final

from loadstone.files import FileStamp, file_stamp
from loadstone.library.search import start
from loadstone.library.trust.policy import SearchSource
from loadstone.linker import LoaderModel
from loadstone.linker.cache import LoaderCache
from loadstone.linker.glibc import Search
from loadstone.linker.objects import LoadedObject, origin_of
from loadstone.quick_dataclass import dataclass, field, replace

__all__ = ["LOADER_SOURCES", "Surroundings", "of_model", "of_this_process"]

LOADER_SOURCES: Final = (SearchSource.ENVIRONMENT, SearchSource.SYSTEM_CACHE, SearchSource.DEFAULT_DIRS)
"""The sources that are the loader's own, in its order."""

_CACHE: Final = "/etc/ld.so.cache"


_MEMORY: Final = 1.0
"""Seconds for which a search is used again, and with it what it knows of directories that are not there. The loader
itself remembers those for the life of the process."""


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """A loader to simulate and the program that asks it (None when that cannot be read).

    ``program`` lends its RPATH or RUNPATH to the search; a :class:`LoadedObject` only remembers what was expanded.
    """

    model: LoaderModel
    program: LoadedObject | None
    _idle: deque[tuple[_Asked, float, Search]] = field(default_factory=lambda: deque(maxlen=8), repr=False)

    @contextmanager
    def search(self, sources: tuple[SearchSource, ...], library_path: str) -> Iterator[Search]:
        """The loader's search with only those of its sources, and ``library_path`` for LD_LIBRARY_PATH.

        It belongs to the caller until the context is left: two threads never share one.
        """
        asked = (sources, library_path)
        searching, until = self._taken(asked) or (self._made(sources, library_path), monotonic() + _MEMORY)
        try:
            yield searching
        finally:
            self._idle.append((asked, until, searching))

    def _taken(self, asked: _Asked) -> tuple[Search, float] | None:
        for _ in range(len(self._idle)):
            try:
                kept = self._idle.popleft()
            except IndexError:  # another thread took the last
                return None
            if kept[0] == asked and monotonic() < kept[1]:
                return kept[2], kept[1]
            if monotonic() < kept[1]:
                self._idle.append(kept)
        return None

    def _made(self, sources: tuple[SearchSource, ...], library_path: str) -> Search:
        model = self.model
        searching = Search(
            replace(
                model,
                env=(("LD_LIBRARY_PATH", library_path),) if library_path else (),
                cache=model.cache if SearchSource.SYSTEM_CACHE in sources else LoaderCache(),
                system_dirs=model.system_dirs if SearchSource.DEFAULT_DIRS in sources else (),
            )
        )
        searching.program = self.program if SearchSource.ENVIRONMENT in sources else None
        return searching


_Asked = tuple[tuple[SearchSource, ...], str]


def of_this_process() -> Surroundings:
    """Those of this process; read again when the loader's cache has changed."""
    try:
        return _read(file_stamp(os.stat(_CACHE)))
    except OSError:
        return _read(None)


@lru_cache(maxsize=4)
def _read(_stamp: FileStamp | None) -> Surroundings:
    return of_model(LoaderModel.this_process(env=start.started_with()))


def of_model(model: LoaderModel) -> Surroundings:
    """Those that a model describes."""
    return Surroundings(model, _program(model))


def _program(model: LoaderModel) -> LoadedObject | None:
    if model.main_image is None:
        return None
    try:
        opened = model.view.open(model.main_image)
    except OSError:
        return None
    image = model.view.image(opened)
    return LoadedObject(model.main_image, image, opened, origin_of(model.main_image), is_program=True)
