"""Loading: find a library, load it once, call it with types, and unload it only when nothing points into it.

:class:`Library` is the handle, :func:`find` the search, :class:`Policy` what must hold before any code runs. The
platforms are in ``adapters``; only they, and the typed access built on addresses they give, touch foreign code.
"""

from __future__ import annotations

import sys

from loadstone.lazy_exports import homes_by_name, imported

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from typing import Any, Final

    from loadstone.library.adapters.base import LoadedLibrary as LoadedLibrary
    from loadstone.library.hints import LoadHint as LoadHint
    from loadstone.library.inventory import loaded_libraries as loaded_libraries
    from loadstone.library.library import Library as Library
    from loadstone.library.lifetime.namespace import Namespace as Namespace
    from loadstone.library.lifetime.outcome import UnloadOutcome as UnloadOutcome
    from loadstone.library.lifetime.outcome import UnloadState as UnloadState
    from loadstone.library.lifetime.symbol import Symbol as Symbol
    from loadstone.library.search.by_name import find as find
    from loadstone.library.search.plugins import find_plugin as find_plugin
    from loadstone.library.search.plugins import library_paths as library_paths
    from loadstone.library.trust.pin import pin as pin
    from loadstone.library.trust.pin import verify as verify
    from loadstone.library.trust.pin_file import PinFile as PinFile
    from loadstone.library.trust.policy import Assurance as Assurance
    from loadstone.library.trust.policy import Policy as Policy
    from loadstone.library.trust.policy import SearchPolicy as SearchPolicy
    from loadstone.library.trust.policy import SearchSource as SearchSource
    from loadstone.library.typed.callback import Userdata as Userdata
    from loadstone.library.typed.function import CallOptions as CallOptions
    from loadstone.library.typed.pointers import ArrayView as ArrayView
    from loadstone.library.typed.pointers import Ref as Ref
    from loadstone.library.typed.pointers import TypedPointer as TypedPointer
    from loadstone.library.typed.pointers import ref as ref

_HOME_OF: Final = homes_by_name(
    {
        "loadstone.library.adapters.base": ("LoadedLibrary",),
        "loadstone.library.hints": ("LoadHint",),
        "loadstone.library.inventory": ("loaded_libraries",),
        "loadstone.library.library": ("Library",),
        "loadstone.library.lifetime.namespace": ("Namespace",),
        "loadstone.library.lifetime.outcome": ("UnloadOutcome", "UnloadState"),
        "loadstone.library.lifetime.symbol": ("Symbol",),
        "loadstone.library.search.by_name": ("find",),
        "loadstone.library.search.plugins": ("find_plugin", "library_paths"),
        "loadstone.library.trust.pin": ("pin", "verify"),
        "loadstone.library.trust.pin_file": ("PinFile",),
        "loadstone.library.trust.policy": ("Assurance", "Policy", "SearchPolicy", "SearchSource"),
        "loadstone.library.typed.callback": ("Userdata",),
        "loadstone.library.typed.function": ("CallOptions",),
        "loadstone.library.typed.pointers": ("ArrayView", "Ref", "TypedPointer", "ref"),
    }
)

__all__ = [
    "ArrayView",
    "Assurance",
    "CallOptions",
    "Library",
    "LoadHint",
    "LoadedLibrary",
    "Namespace",
    "PinFile",
    "Policy",
    "Ref",
    "SearchPolicy",
    "SearchSource",
    "Symbol",
    "TypedPointer",
    "UnloadOutcome",
    "UnloadState",
    "Userdata",
    "find",
    "find_plugin",
    "library_paths",
    "loaded_libraries",
    "pin",
    "ref",
    "verify",
]


def __getattr__(name: str) -> Any:
    return imported(sys.modules[__name__], _HOME_OF, name)
