"""The one place of this package that asks which platform this is."""

from __future__ import annotations

import sys
from functools import lru_cache

from loadstone.library.adapters.base import Adapter, LoadedLibrary, Opened, Refused

__all__ = ["Adapter", "LoadedLibrary", "Opened", "Refused", "current"]


@lru_cache(maxsize=1)
def current() -> Adapter:
    """The adapter of the platform this process runs on."""
    from loadstone.library.adapters.linux import LinuxAdapter  # noqa: PLC0415  only the platform's own is imported

    return LinuxAdapter()
