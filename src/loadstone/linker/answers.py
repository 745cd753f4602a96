"""Questions people ask of a load once it is simulated: who provides, who needs, what breaks, which release would do.

Pure functions over an :class:`~loadstone.core.trace.Explanation`; nothing is read again but what is in its graph.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from loadstone.core.image import Image, ImageSymbol, SymbolKind, VersionNeed
from loadstone.core.trace import Binding, Explanation
from loadstone.quick_dataclass import dataclass

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
    """What breaks for an image when a library is replaced: a symbol, or a version with an empty symbol.

    ``change`` says what another it becomes (``was an object of 8 bytes, is one of 16``); empty: it is lost.
    """

    consumer: str
    symbol: str
    version: str
    change: str = ""


@dataclass(frozen=True, slots=True)
class VersionNeeds:
    """Every version the target itself needs, and the smallest release of glibc that has all of them, if any."""

    uses: tuple[VersionUse, ...]
    smallest_glibc: str | None


@dataclass(frozen=True, slots=True)
class Replacement:
    """What breaks when the library ``old`` (a path or SONAME) is replaced by the file ``new``.

    ``users`` are the images that need it or are bound to it; without any, nothing was compared.
    """

    old: str
    new: str
    broken: tuple[Broken, ...]
    users: tuple[str, ...] = ()


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


def replacing(explanation: Explanation, old: str, new: Image, *, named: str = "") -> Replacement:
    """What breaks in an explained load when the library ``old`` (a path, file name or SONAME) is replaced by ``new``.

    A symbol breaks when it is bound to ``old`` and ``new`` does not offer it in that version, or offers data of another
    size or something of another kind; a version breaks when it is needed of ``old`` and ``new`` does not define it.
    What parameters a function takes is in no symbol table. ``named`` is what to call ``new``; its path when left out.
    """
    replaced = [n for n in explanation.graph.nodes if old in (n.path, n.identity, posixpath.basename(n.path))]
    paths = {node.path for node in replaced}
    names = paths | {node.identity for node in replaced if node.identity}
    bound = [b for b in explanation.bindings if b.provider in paths] or [*_tied(explanation, names)]
    versions = {d.name for d in new.version_definitions}
    needs = [(node.path, need) for node in explanation.graph.nodes if node.image for need in node.image.version_needs]
    lost = [
        Broken(consumer, "", need.name)
        for consumer, need in needs
        if need.file in names and versions and need.name not in versions and not need.weak
    ]
    before = _offers(*(node.image for node in replaced if node.image))
    broken = (*_broken(bound, before, _offers(new)), *lost)
    users = {b.consumer for b in bound} | {e.requester for e in explanation.graph.edges if e.chosen in paths}
    return Replacement(old, named or new.path or "", broken, tuple(sorted(users - paths)))


def _tied(explanation: Explanation, names: set[str]) -> Iterator[Binding]:
    """The imports that say of which library they are, as PE and Mach-O have them."""
    wanted = {posixpath.basename(name).casefold() for name in names}
    for node in explanation.graph.nodes:
        for symbol in node.image.imports if node.image else ():
            if symbol.library and posixpath.basename(symbol.library).casefold() in wanted:
                yield Binding(node.path, symbol.name, None, symbol.library)


def _offers(*images: Image) -> dict[str, list[ImageSymbol]]:
    offered: dict[str, list[ImageSymbol]] = {}
    for image in images:
        for symbol in image.exports:
            offered.setdefault(symbol.name, []).append(symbol)
            if symbol.ordinal is not None:
                offered.setdefault(f"#{symbol.ordinal}", []).append(symbol)
    return offered


def _broken(
    bound: Iterable[Binding], before: Mapping[str, list[ImageSymbol]], after: Mapping[str, list[ImageSymbol]]
) -> Iterator[Broken]:
    for binding in bound:
        old = _serving(before.get(binding.symbol, ()), binding.version)
        new = _serving(after.get(binding.symbol, ()), binding.version)
        change = _change(old, new) if old is not None and new is not None else ""
        if new is None or change:
            yield Broken(binding.consumer, binding.symbol, binding.version or "", change)


def _serving(offered: Iterable[ImageSymbol], wanted: str | None) -> ImageSymbol | None:
    """The definition that serves a reference; an unversioned one serves all."""
    names = ((symbol, symbol.version.name if symbol.version else "") for symbol in offered)
    return next((symbol for symbol, name in names if wanted is None or name in (wanted, "")), None)


def _change(old: ImageSymbol, new: ImageSymbol) -> str:
    """What another kind or size of symbol it becomes; the code of a function may be of any size."""
    was, now = _kind(old), _kind(new)
    if was != now and SymbolKind.UNTYPED not in (old.kind, new.kind):
        return f"was {was}, is {now}"
    if was in _DATA and old.size and new.size and old.size != new.size:
        return f"was {was} of {old.size} bytes, is one of {new.size}"
    return ""


def _kind(symbol: ImageSymbol) -> str:
    return _KINDS.get(symbol.kind, symbol.kind.value)


_KINDS: Final = {
    SymbolKind.FUNCTION: "a function",
    SymbolKind.IFUNC: "a function",
    SymbolKind.OBJECT: "an object",
    SymbolKind.COMMON: "an object",
    SymbolKind.TLS: "a thread-local variable",
}
_DATA: Final = frozenset(("an object", "a thread-local variable"))
