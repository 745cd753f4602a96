"""The catalogue of a plugin folder as a table, by interface."""

from __future__ import annotations

import os

from loadstone.core.counting import counted
from loadstone.escape import printable
from loadstone.plugin import Catalog, Plugin
from loadstone.report.text.style import Style, columns

__all__ = ["render"]


def render(found: Catalog, style: Style) -> str:
    """A line that counts, then each interface with its plugins, then problems and rejected files."""
    offered = f"{counted(len(found.plugins), 'plugin')} of {counted(len(found.interfaces), 'interface')}"
    others = counted(len(found.libraries), "library", "libraries")
    lines = [
        style.bold(f"{offered} in {printable(found.directory)}")
        + style.dim(f" ({others} without metadata, none loaded)")
    ]
    for iid in found.interfaces:
        lines += ["", style.heading(printable(iid)), *columns([_row(p, found) for p in found.implementing(iid)])]
    nameless = [p for p in found.plugins if not p.iid]
    if nameless:
        lines += ["", style.heading("no interface named"), *columns([_row(p, found) for p in nameless])]
    for plugin in found.plugins:
        where = printable(os.path.relpath(plugin.path, found.directory))
        lines += [style.warn(f"  - {where}: {printable(p.what)} [@{p.offset:#x}]") for p in plugin.problems]
    lines += [style.bad(f"  ! {printable(str(r.error))}") for r in found.rejected]
    return "\n".join(lines) + "\n"


def _row(plugin: Plugin, found: Catalog) -> tuple[str, ...]:
    version = f"Qt {plugin.qt_version[0]}.{plugin.qt_version[1]}" if plugin.qt_version else ""
    keys = plugin.data.get("Keys")
    shown = ", ".join(printable(str(key), 40) for key in keys[:8]) if isinstance(keys, list) else ""
    return (
        printable(os.path.relpath(plugin.path, found.directory)),
        printable(plugin.class_name or "-", 60),
        version + (" debug" if plugin.debug else ""),
        f"{plugin.image.format} {plugin.image.machine.name}",
        shown,
    )
