"""Plugins: what they say about themselves without being loaded, a catalogue of a folder, and a checked load.

>>> from loadstone.plugin import own
>>> (own.include_dir() / "loadstone_plugin.h").exists()
True
"""

from loadstone.plugin.catalog import Catalog, Rejected, catalog
from loadstone.plugin.cbor import Problem
from loadstone.plugin.instance import Instance
from loadstone.plugin.metadata import Carrier, Framework, PluginMetadata
from loadstone.plugin.own import include_dir
from loadstone.plugin.plugin import Plugin
from loadstone.plugin.static import StaticPlugin, register_static, static_plugins

__all__ = [
    "Carrier",
    "Catalog",
    "Framework",
    "Instance",
    "Plugin",
    "PluginMetadata",
    "Problem",
    "Rejected",
    "StaticPlugin",
    "catalog",
    "include_dir",
    "register_static",
    "static_plugins",
]
