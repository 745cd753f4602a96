"""Plugin metadata: what a plugin says about itself, read from its bytes without loading it.

Two frameworks are read: Qt's (all formats since 5.0, on every platform's files, see :mod:`loadstone.plugin.qt`) and
Loadstone's own for plugins that are not Qt's (:mod:`loadstone.plugin.own`). Where in an image either may sit is decided
here, once, for ELF, PE and Mach-O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Protocol

from loadstone.core.image import Format, Image, Section
from loadstone.plugin import own, qt
from loadstone.plugin.cbor import Problem
from loadstone.quick_dataclass import dataclass, field

__all__ = ["Carrier", "Framework", "PluginBytes", "PluginMetadata", "find_metadata"]


class Framework(StrEnum):
    """Whose metadata it is."""

    QT = "qt"
    LOADSTONE = "loadstone"


class Carrier(StrEnum):
    """What part of the file carried it."""

    NOTE = "note"
    SECTION = "section"
    MARKER = "marker"  # found by its magic only: the section table is gone


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginMetadata:
    """What a plugin says about itself.

    ``iid`` is the interface it implements, ``class_name`` its class, ``data`` the author's own object (Qt's
    ``MetaData``), ``extra`` further top-level keys; ``qt_version`` is (major, minor), ``arch_level`` the x86-64 level
    it was built for (0: none named). ``body`` is (offset, size) of the encoded metadata in the file. ``problems``
    lists everything wrong with it, each with an offset; :attr:`usable` says whether enough is left to act on.
    """

    framework: Framework
    carrier: Carrier
    body: tuple[int, int]
    iid: str | None = None
    class_name: str | None = None
    uri: str | None = None
    debug: bool | None = None
    qt_version: tuple[int, int] | None = None
    arch_level: int = 0
    data: Mapping[str, Any] = field(default_factory=_nothing)
    extra: Mapping[str, Any] = field(default_factory=_nothing)
    problems: tuple[Problem, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether the interface is known, which is what a host chooses by."""
        return bool(self.iid)

    def qt_json(self) -> dict[str, Any]:
        """The object that QPluginLoader::metaData() gives for the same plugin, key for key.

        A text key that shadows a well-known one wins here, as it does there, while :attr:`iid` is what factories match.
        """
        made: dict[str, Any] = {"IID": self.iid, "className": self.class_name, "MetaData": self.data, "URI": self.uri}
        made = {key: value for key, value in made.items() if value} | dict(self.extra)
        if self.qt_version is not None:
            major, minor = self.qt_version
            made |= {"version": major << 16 | minor << 8, "debug": bool(self.debug), "archlevel": self.arch_level}
        return made


@dataclass(frozen=True, slots=True)
class _Place:
    """A run of bytes that may hold metadata, and whether a marker must introduce it."""

    framework: Framework
    carrier: Carrier
    offset: int
    size: int
    problems: tuple[Problem, ...] = ()


_SECTIONS: Final[Mapping[Format, Mapping[str, Framework]]] = {
    # GNU ld keeps long COFF names through the string table, others cut them to eight characters.
    Format.ELF: {".qtmetadata": Framework.QT},
    Format.PE: {".qtmetadata": Framework.QT, ".qtmetad": Framework.QT, own.PE_SECTION: Framework.LOADSTONE},
    Format.MACHO: {"qtmetadata": Framework.QT, own.MACHO_SECTION: Framework.LOADSTONE},
}
_NOTES: Final = {(qt.NOTE_OWNER, qt.NOTE_KIND): Framework.QT, (own.NOTE_OWNER, own.NOTE_KIND): Framework.LOADSTONE}

_SEARCHED: Final = 64 << 20
"""How much of a file without a usable section table is searched for a marker, in bytes."""


class PluginBytes(Protocol):
    """The bytes of a file, in memory or read where they are asked for."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...


def find_metadata(image: Image, content: PluginBytes) -> PluginMetadata | None:
    """The metadata of a plugin, or None for a library that carries none.

    Args:
        image: as read from ``content``.
        content: the whole file; the same bytes that were hashed, if they are to be loaded.

    Never raises on damage; see :attr:`PluginMetadata.problems`. Notes win over sections, as in Qt. Pure.
    """
    for place in _places(image, content):
        body = content[place.offset : place.offset + place.size]
        decode: Callable[..., PluginMetadata | None] = _decode_qt if place.framework is Framework.QT else _decode_own
        found = decode(body, place)
        if found is not None:
            return found
    return None


def _places(image: Image, content: PluginBytes) -> Iterator[_Place]:
    for note in image.notes:
        framework = _NOTES.get((note.owner, note.kind))
        if framework:
            yield _Place(framework, Carrier.NOTE, note.offset, note.size)
    names = _SECTIONS[image.format]
    for section in image.sections:
        framework = names.get(section.name.rpartition(",")[2])
        if framework:
            problems = _section_problems(section)
            yield _Place(framework, Carrier.SECTION, section.offset, section.size, problems)
    if not image.sections:
        at = content[:_SEARCHED].rfind(qt.MARKER)
        if at >= 0:
            yield _Place(Framework.QT, Carrier.MARKER, at, len(content) - at)


def _section_problems(section: Section) -> tuple[Problem, ...]:
    """Metadata is data: a section that can be written or run is refused by Qt, and said to be so here."""
    return tuple(
        Problem(f"the metadata section {section.name} is {word}", section.header_offset)
        for flag, word in (("w", "writable"), ("x", "executable"))
        if flag in section.flags
    )


def _decode_qt(body: bytes, place: _Place) -> PluginMetadata | None:
    decoded = qt.decode(body, place.offset, bare=place.carrier is Carrier.NOTE)
    if decoded is None:
        return None
    return PluginMetadata(
        framework=Framework.QT,
        carrier=place.carrier,
        body=(place.offset, decoded.size),
        iid=decoded.iid,
        class_name=decoded.class_name,
        uri=decoded.uri,
        debug=decoded.debug,
        qt_version=decoded.version,
        arch_level=decoded.arch_level,
        data=MappingProxyType(decoded.data),
        extra=MappingProxyType(decoded.extra),
        problems=(*place.problems, *decoded.problems),
    )


def _decode_own(body: bytes, place: _Place) -> PluginMetadata | None:
    decoded = own.decode(body, place.offset)
    if decoded is None:
        return None
    return PluginMetadata(
        framework=Framework.LOADSTONE,
        carrier=place.carrier,
        body=(place.offset, place.size),
        iid=decoded.iid,
        class_name=decoded.name,
        data=MappingProxyType(decoded.data),
        problems=(*place.problems, *decoded.problems),
    )
