"""Plugins: what they say about themselves without being loaded, a catalogue of a folder, and a checked load.

>>> from loadstone.plugin import own
>>> (own.include_dir() / "loadstone_plugin.h").exists()
True
"""

from loadstone.plugin.catalog import Catalog, Rejected, catalog
from loadstone.plugin.cbor import Problem
from loadstone.plugin.metadata import Carrier, Framework, PluginMetadata
from loadstone.plugin.own import include_dir
from loadstone.plugin.plugin import Plugin

__all__ = [
    "Carrier",
    "Catalog",
    "Framework",
    "Plugin",
    "PluginMetadata",
    "Problem",
    "Rejected",
    "catalog",
    "include_dir",
]
