"""The names a library may have, as text: one a line, in the order they are tried."""

from __future__ import annotations

from loadstone.core.names import Candidate, Platform
from loadstone.escape import printable
from loadstone.report.text.style import Style

__all__ = ["render"]


def render(name: str, version: str | None, platform: Platform, found: tuple[Candidate, ...], style: Style) -> str:
    """Candidates first; then, dimmed, for what they are."""
    lines = [
        printable(c.name) + ("" if c.carries_version else style.dim("  (not taken: does not carry the version)"))
        for c in found
    ]
    wanted = f", version {printable(version)}" if version else ""
    lines.append(style.dim(f"  for {printable(name)}{wanted} on {platform}, in this order"))
    return "\n".join(lines) + "\n"
