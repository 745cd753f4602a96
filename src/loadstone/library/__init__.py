"""Loading: find a library, load it once, call it with types, and unload it only when nothing points into it.

:class:`Library` is the handle, :func:`find` the search, :class:`Policy` what must hold before any code runs. The
platforms are in ``adapters``; only they, and the typed access built on addresses they give, touch foreign code.
"""

from __future__ import annotations

from loadstone.library.adapters.base import LoadedLibrary
from loadstone.library.hints import LoadHint
from loadstone.library.inventory import loaded_libraries
from loadstone.library.library import Library
from loadstone.library.lifetime.namespace import Namespace
from loadstone.library.lifetime.outcome import UnloadOutcome, UnloadState
from loadstone.library.lifetime.symbol import Symbol
from loadstone.library.search.by_name import find
from loadstone.library.search.plugins import find_plugin, library_paths
from loadstone.library.trust.pin import PinFile, pin, verify
from loadstone.library.trust.policy import Assurance, Policy, SearchPolicy, SearchSource

__all__ = [
    "Assurance",
    "Library",
    "LoadHint",
    "LoadedLibrary",
    "Namespace",
    "PinFile",
    "Policy",
    "SearchPolicy",
    "SearchSource",
    "Symbol",
    "UnloadOutcome",
    "UnloadState",
    "find",
    "find_plugin",
    "library_paths",
    "loaded_libraries",
    "pin",
    "verify",
]
