"""The catalogue of a plugin folder as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from loadstone.plugin import Catalog, Plugin
from loadstone.report.json import Document

__all__ = ["PluginDocument", "PluginsDocument", "plugins_document"]


class ProblemDocument(msgspec.Struct, frozen=True):
    """Something wrong with metadata, and where in the file."""

    what: str
    offset: int


class PluginDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin: what it says about itself. ``metadata`` is the author's own object, ``extra`` unknown keys."""

    path: str
    sha256: str
    format: str
    machine: str
    framework: str | None
    carrier: str | None
    iid: str | None
    class_name: str | None
    uri: str | None
    debug: bool | None
    qt_version: str | None
    arch_level: int
    metadata: dict[str, Any]
    extra: dict[str, Any]
    problems: list[ProblemDocument]


class RejectedDocument(msgspec.Struct, frozen=True):
    """A file that looked like a binary and is none that can be read."""

    path: str
    error: str


class PluginsDocument(Document, frozen=True, kw_only=True):
    """Everything found in one folder."""

    directory: str
    interfaces: list[str]
    plugins: list[PluginDocument]
    libraries: list[str]
    rejected: list[RejectedDocument]


def plugins_document(found: Catalog) -> PluginsDocument:
    """The catalogue, plugins in path order."""
    return PluginsDocument(
        schema="loadstone.plugins/1",
        directory=found.directory,
        interfaces=list(found.interfaces),
        plugins=[_plugin(plugin) for plugin in found.plugins],
        libraries=list(found.libraries),
        rejected=[RejectedDocument(r.path, str(r.error)) for r in found.rejected],
    )


def _plugin(plugin: Plugin) -> PluginDocument:
    said = plugin.metadata
    version = plugin.qt_version
    return PluginDocument(
        path=plugin.path,
        sha256=plugin.sha256,
        format=plugin.image.format.value,
        machine=plugin.image.machine.name,
        framework=said.framework.value if said else None,
        carrier=said.carrier.value if said else None,
        iid=plugin.iid,
        class_name=plugin.class_name,
        uri=said.uri if said else None,
        debug=plugin.debug,
        qt_version=f"{version[0]}.{version[1]}" if version else None,
        arch_level=said.arch_level if said else 0,
        metadata=dict(plugin.data),
        extra=dict(said.extra) if said else {},
        problems=[ProblemDocument(p.what, p.offset) for p in plugin.problems],
    )
