"""Answers to questions about one load, as text: a symbol's story, the users of a version, what a replacement breaks."""

from __future__ import annotations

from loadstone.core.trace import Explanation
from loadstone.escape import printable
from loadstone.linker.answers import Broken, SymbolStory, VersionUse, smallest_release
from loadstone.report.text.style import Style, columns

__all__ = ["render_broken", "render_story", "render_uses"]

_SHOWN = 8


def render_story(story: SymbolStory, style: Style) -> str:
    """Who defines a symbol, who is bound to which definition, who gets nothing."""
    lines = [style.heading(printable(story.symbol))]
    if not story.defined_by:
        lines.append(f"  {style.bad('defined by nothing in this load')}")
    for number, (path, version) in enumerate(story.defined_by):
        wins = "" if number else style.dim(" (first, so it wins)") if len(story.defined_by) > 1 else ""
        lines.append(f"  defined by {printable(path)}{f', version {printable(version)}' if version else ''}{wins}")
    lines += [f"  wanted by {printable(consumer)}, bound to {printable(p)}" for consumer, p in story.bound_to]
    lines += [f"  {style.bad('unmet')} for {printable(consumer)}" for consumer in story.unmet]
    return "\n".join(lines) + "\n"


def render_uses(explanation: Explanation, uses: tuple[VersionUse, ...], style: Style) -> str:
    """Which symbols need which version, and the smallest glibc that would do."""
    lines = [style.heading("Versions needed")]
    rows: list[tuple[str, ...]] = []
    for use in uses:
        shown = ", ".join(printable(s) for s in use.symbols[:_SHOWN]) or "no symbol of its own"
        more = f" and {len(use.symbols) - _SHOWN} more" if len(use.symbols) > _SHOWN else ""
        rows.append((printable(use.version), printable(use.file), f"{shown}{more}"))
    lines += columns(rows) or ["  none"]
    root = explanation.graph.root.image
    release = smallest_release(root.version_needs) if root else None
    if release:
        lines.append(f"  the smallest glibc that would do: {style.bold(release)}")
    return "\n".join(lines) + "\n"


def render_broken(old: str, new: str, broken: tuple[Broken, ...], style: Style) -> str:
    """What is lost when one library is replaced by another."""
    title = f"{printable(old)} replaced by {printable(new)}"
    if not broken:
        return f"{style.heading(title)}\n  {style.good('nothing in this load is lost')} (types are not compared)\n"
    lines = [style.heading(title)]
    for item in broken:
        version = f"@{printable(item.version)}" if item.version and item.symbol else printable(item.version)
        lines.append(f"  {style.bad('lost')} {printable(item.symbol)}{version}, wanted by {printable(item.consumer)}")
    return "\n".join(lines) + "\n"
