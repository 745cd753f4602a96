"""Questions people ask of a load once it is simulated: who provides, who needs, what breaks, which release would do.

Pure functions over an :class:`~loadstone.core.trace.Explanation`; nothing is read again but what is in its graph.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from loadstone.core.image import Image, VersionNeed
from loadstone.core.trace import Explanation

__all__ = [
    "Answers",
    "Broken",
    "Replacement",
    "SymbolStory",
    "VersionNeeds",
    "VersionUse",
    "needs_of",
    "replacing",
    "smallest_release",
    "story_of",
    "version_uses",
]

_GLIBC: Final = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.(\d+))?$")


@dataclass(frozen=True, slots=True)
class VersionUse:
    """A version one image needs of a file, and the symbols it needs it for; ``offset`` is where the need stands."""

    consumer: str
    file: str
    version: str
    symbols: tuple[str, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class SymbolStory:
    """Everything about one symbol in one load.

    ``defined_by`` lists every image that offers it, in load order, with its version; ``bound_to`` who is bound to
    which of them; ``unmet`` who wants it and gets nothing.
    """

    symbol: str
    defined_by: tuple[tuple[str, str], ...]
    bound_to: tuple[tuple[str, str], ...]
    unmet: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """What an image loses when a library is replaced: a symbol, or a version with an empty symbol."""

    consumer: str
    symbol: str
    version: str


@dataclass(frozen=True, slots=True)
class VersionNeeds:
    """Every version the target itself needs, and the smallest release of glibc that has all of them, if any."""

    uses: tuple[VersionUse, ...]
    smallest_glibc: str | None


@dataclass(frozen=True, slots=True)
class Replacement:
    """What is lost when the library ``old`` (a path or SONAME) is replaced by the file ``new``."""

    old: str
    new: str
    broken: tuple[Broken, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The further questions that were asked of one load, answered; None where one was not asked."""

    symbol: SymbolStory | None = None
    versions: VersionNeeds | None = None
    replacement: Replacement | None = None


def needs_of(explanation: Explanation) -> VersionNeeds:
    """Which symbols of the target need which version; nothing for a target that could not be read."""
    root = explanation.graph.root
    if root.image is None:
        return VersionNeeds((), None)
    return VersionNeeds(version_uses(root.image, root.path), smallest_release(root.image.version_needs))


def version_uses(image: Image, consumer: str, version: str | None = None) -> tuple[VersionUse, ...]:
    """Every version ``image`` needs (or the one named) with the symbols that need it, in file order."""
    users: dict[tuple[str | None, str], set[str]] = {}
    for symbol in image.imports:
        if symbol.version is not None:
            users.setdefault((symbol.version.file, symbol.version.name), set()).add(symbol.name)
    return tuple(
        VersionUse(consumer, n.file, n.name, tuple(sorted(users.get((n.file, n.name), ()))), n.offset)
        for n in image.version_needs
        if version is None or n.name == version
    )


def smallest_release(needs: Iterable[VersionNeed]) -> str | None:
    """The smallest release of glibc that has every ``GLIBC_`` version among ``needs``; None without any.

    >>> need = VersionNeed("libc.so.6", "GLIBC_2.34", 2, False, 0, 0)
    >>> smallest_release([need])
    '2.34'
    """
    found = [_GLIBC.match(need.name) for need in needs if not need.weak]
    numbers = [tuple(int(part) for part in match.groups("0")) for match in found if match]
    if not numbers:
        return None
    major, minor, patch = max(numbers)
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"


def story_of(explanation: Explanation, symbol: str) -> SymbolStory:
    """Who defines, uses and misses ``symbol`` in an explained load (explained with its bindings)."""
    defined = [
        (node.path, offered.version.name if offered.version else "")
        for node in explanation.graph.nodes
        for offered in (node.image.symbols.named(symbol) if node.image else ())
        if offered.exported
    ]
    wanted = [b for b in explanation.bindings if b.symbol == symbol]
    return SymbolStory(
        symbol,
        tuple(defined),
        tuple((b.consumer, b.provider) for b in wanted if b.provider is not None),
        tuple(b.consumer for b in wanted if b.provider is None),
    )


def replacing(explanation: Explanation, old: str, new: Image) -> tuple[Broken, ...]:
    """What breaks in an explained load when the library ``old`` (a path or SONAME) is replaced by ``new``.

    A symbol breaks when it is bound to ``old`` and ``new`` does not offer it in that version; a version breaks when
    it is needed of ``old`` and ``new`` does not define it. Types are not compared.
    """
    replaced = [n for n in explanation.graph.nodes if old in (n.path, n.identity)]
    paths = {node.path for node in replaced}
    names = paths | {node.identity for node in replaced if node.identity}
    offered: dict[str, set[str]] = {}
    for symbol in new.exports:
        offered.setdefault(symbol.name, set()).add(symbol.version.name if symbol.version else "")
    versions = {d.name for d in new.version_definitions}
    lost = [
        Broken(b.consumer, b.symbol, b.version or "")
        for b in explanation.bindings
        if b.provider in paths and not _serves(offered.get(b.symbol), b.version)
    ]
    lost += [
        Broken(node.path, "", need.name)
        for node in explanation.graph.nodes
        for need in (node.image.version_needs if node.image else ())
        if need.file in names and versions and need.name not in versions and not need.weak
    ]
    return tuple(lost)


def _serves(versions: set[str] | None, wanted: str | None) -> bool:
    """Whether one of the versions a symbol is offered in serves a reference; an unversioned one serves all."""
    return versions is not None and (wanted is None or wanted in versions or "" in versions)
