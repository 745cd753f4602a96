"""What is mapped in this process, loaded by us or by others."""

from __future__ import annotations

from loadstone.library import adapters
from loadstone.library.adapters.base import LoadedLibrary

__all__ = ["loaded_libraries"]


def loaded_libraries() -> tuple[LoadedLibrary, ...]:
    """Every library of this process with the path the system knows it by, the program first.

    Libraries in linker namespaces of their own are not listed by the system and not here. Thread-safe.

    >>> any("libc" in library.path for library in loaded_libraries())
    True
    """
    return adapters.current().loaded()
