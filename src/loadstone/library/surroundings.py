"""What a search in this process starts from: its loader's model and its program, read once and kept while they hold."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from loadstone.library.policy import SearchSource
from loadstone.linker import LoaderModel
from loadstone.linker.cache import LoaderCache
from loadstone.linker.glibc import Search
from loadstone.linker.objects import LoadedObject, origin_of

__all__ = ["LOADER_SOURCES", "Surroundings", "of_model", "of_this_process"]

LOADER_SOURCES: Final = (SearchSource.ENVIRONMENT, SearchSource.SYSTEM_CACHE, SearchSource.DEFAULT_DIRS)
"""The sources that are the loader's own, in its order."""

_CACHE: Final = "/etc/ld.so.cache"


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """A loader to simulate and the program that asks it (None when that cannot be read).

    ``program`` lends its RPATH or RUNPATH to the search; a :class:`LoadedObject` only remembers what was expanded.
    """

    model: LoaderModel
    program: LoadedObject | None

    def search(self, sources: tuple[SearchSource, ...], library_path: str) -> Search:
        """The loader's search with only those of its sources, and ``library_path`` for LD_LIBRARY_PATH."""
        model = self.model
        searching = Search(
            replace(
                model,
                env=(("LD_LIBRARY_PATH", library_path),) if library_path else (),
                cache=model.cache if SearchSource.SYSTEM_CACHE in sources else LoaderCache(),
                system_dirs=model.system_dirs if SearchSource.DEFAULT_DIRS in sources else (),
            )
        )
        searching.program = self.program
        return searching


def of_this_process() -> Surroundings:
    """Those of this process; read again when LD_LIBRARY_PATH or the loader's cache has changed."""
    try:
        status = os.stat(_CACHE)
    except OSError:
        return _read(os.environ.get("LD_LIBRARY_PATH"), None)
    return _read(os.environ.get("LD_LIBRARY_PATH"), (status.st_ino, status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=4)
def _read(_library_path: str | None, _stamp: tuple[int, ...] | None) -> Surroundings:
    return of_model(LoaderModel.this_process())


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
