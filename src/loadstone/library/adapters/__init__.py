"""The one place of this package that asks which platform this is."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import import_module
from typing import Final

from loadstone.library.adapters.base import Adapter, LoadedLibrary, Opened, Refused

__all__ = ["Adapter", "LoadedLibrary", "Opened", "Refused", "adapter_for", "current"]

_ADAPTERS: Final = (
    ("linux", "linux", "LinuxAdapter"),
    ("freebsd", "linux", "LinuxAdapter"),
    ("openbsd", "linux", "LinuxAdapter"),
    ("netbsd", "linux", "LinuxAdapter"),
    ("darwin", "macos", "MacosAdapter"),
    ("win32", "windows", "WindowsAdapter"),
)
"""How ``sys.platform`` begins, the module here, the class in it. Only the platform's own is imported."""


def adapter_for(system: str) -> Adapter:
    """The adapter for a ``sys.platform``; one that refuses everything, with the reason, where there is none."""
    for prefix, module, name in _ADAPTERS:
        if system.startswith(prefix):
            made: Adapter = getattr(import_module(f"{__name__}.{module}"), name)()
            return made
    from loadstone.library.adapters.unsupported import UnsupportedAdapter  # noqa: PLC0415  as the others

    return UnsupportedAdapter(system)


@lru_cache(maxsize=1)
def current() -> Adapter:
    """The adapter of the platform this process runs on."""
    return adapter_for(sys.platform)
