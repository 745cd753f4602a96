"""The documented address of the search for plugins; the code is in ``search/plugins.py``."""

from __future__ import annotations

from loadstone.library.search.plugins import find_plugin, library_paths

__all__ = ["find_plugin", "library_paths"]
