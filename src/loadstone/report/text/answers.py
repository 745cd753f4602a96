"""Answers to questions about one load, as text: a symbol's story, the users of a version, what a replacement breaks."""

from __future__ import annotations

from loadstone.escape import printable
from loadstone.linker.answers import Answers, Replacement, SymbolStory, VersionNeeds
from loadstone.report.text.style import Style, columns

__all__ = ["render"]

_SHOWN = 8


def render(answers: Answers, style: Style) -> str:
    """Each question that was asked, answered in a block of its own; empty when none was."""
    blocks = []
    if answers.symbol is not None:
        blocks.append(_story(answers.symbol, style))
    if answers.versions is not None:
        blocks.append(_needs(answers.versions, style))
    if answers.replacement is not None:
        blocks.append(_replacement(answers.replacement, style))
    return "".join(f"\n{block}" for block in blocks)


def _story(story: SymbolStory, style: Style) -> str:
    """Who defines a symbol, who is bound to which definition, who gets nothing."""
    lines = [style.heading(printable(story.symbol))]
    if not story.defined_by:
        lines.append(f"  {style.bad('defined by nothing in this load')}")
    for number, (path, version) in enumerate(story.defined_by):
        wins = "" if number else style.dim(" (first, so it wins)") if len(story.defined_by) > 1 else ""
        lines.append(f"  defined by {printable(path)}{f', version {printable(version)}' if version else ''}{wins}")
    lines += [f"  imported by {printable(consumer)}, bound to {printable(p)}" for consumer, p in story.bound_to]
    lines += [f"  {style.bad('unresolved')} in {printable(consumer)}" for consumer in story.unmet]
    return "\n".join(lines) + "\n"


def _needs(needs: VersionNeeds, style: Style) -> str:
    """Which symbols need which version, and the smallest glibc that would do."""
    lines = [style.heading("Versions needed")]
    rows: list[tuple[str, ...]] = []
    for use in needs.uses:
        shown = ", ".join(printable(s) for s in use.symbols[:_SHOWN]) or "no symbol uses it"
        more = f" and {len(use.symbols) - _SHOWN} more" if len(use.symbols) > _SHOWN else ""
        rows.append((printable(use.version), printable(use.file), f"{shown}{more}"))
    lines += columns(rows) or ["  none"]
    if needs.smallest_glibc:
        lines.append(f"  minimum glibc version: {style.bold(needs.smallest_glibc)}")
    return "\n".join(lines) + "\n"


def _replacement(replacement: Replacement, style: Style) -> str:
    """What breaks when one library is replaced by another."""
    lines = [style.heading(f"{printable(replacement.old)} replaced by {printable(replacement.new)}")]
    count = len(replacement.users)
    if not count:
        lines.append(f"  {style.bad('nothing to compare')}: nothing here uses {printable(replacement.old)}")
    elif not replacement.broken:
        users = f"{count} file{'s' * (count != 1)} that use{'s' * (count == 1)} it"
        lines.append(f"  {style.good('nothing breaks')} for {users}: symbols, versions, kinds, sizes of data")
    for item in replacement.broken:
        version = f"@{printable(item.version)}" if item.version and item.symbol else printable(item.version)
        what = style.bad("changed" if item.change else "lost")
        change = f": {item.change}" if item.change else ""
        lines.append(f"  {what} {printable(item.symbol)}{version}{change}, imported by {printable(item.consumer)}")
    return "\n".join(lines) + "\n"
