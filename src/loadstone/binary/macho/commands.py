"""What load commands say in themselves: libraries, search paths, versions, identity. Source: mach-o/loader.h."""

from __future__ import annotations

import uuid
from typing import Final

from loadstone.binary.macho.facts import BuildVersion, Encryption
from loadstone.binary.macho.layout import DYLIB_KINDS, MIN_VERSION_PLATFORMS, PLATFORMS, LoadCommandKind, dotted
from loadstone.binary.macho.view import MachoView
from loadstone.core.image import Dependency, DependencyKind, SearchDir, SearchKind
from loadstone.core.limits import MAX_DEPENDENCIES
from loadstone.quick_dataclass import dataclass

__all__ = [
    "InstallName",
    "read_builds",
    "read_dependencies",
    "read_encryption",
    "read_install_name",
    "read_rpaths",
    "read_source_version",
    "read_texts",
    "read_uuid",
]

_USE_MARKER: Final = 0x1A741800  # in place of the timestamp: a dylib_use_command, with flags behind the versions
_USE_FLAGS: Final = ((1, DependencyKind.WEAK), (2, DependencyKind.REEXPORT), (4, DependencyKind.UPWARD))


@dataclass(frozen=True, slots=True)
class InstallName:
    """LC_ID_DYLIB: the name clients record, and its versions."""

    name: str
    compatibility_version: str
    current_version: str
    offset: int


def read_dependencies(view: MachoView) -> tuple[Dependency, ...]:
    """Every dylib command, in order: a library's ordinal is its place among them, from 1."""
    commands = view.all(*DYLIB_KINDS)
    if len(commands) > MAX_DEPENDENCIES:
        view.damage.add("dylib commands", f"more than {MAX_DEPENDENCIES} libraries", commands[MAX_DEPENDENCIES].offset)
    found = []
    for ordinal, command in enumerate(commands[:MAX_DEPENDENCIES], 1):
        name = view.text(command, 8)
        kind = DYLIB_KINDS[LoadCommandKind(command.number)]
        if view.number(command, 12) == _USE_MARKER and view.number(command, 8) >= 28:
            flags = view.number(command, 24)
            kind = next((k for bit, k in _USE_FLAGS if flags & bit), kind)
        found.append(
            Dependency(
                name=name or "",
                kind=kind,
                offset=command.offset,
                ordinal=ordinal,
                compatibility_version=dotted(view.number(command, 20)),
                current_version=dotted(view.number(command, 16)),
            )
        )
    return tuple(found)


def read_install_name(view: MachoView) -> InstallName | None:
    """The name a dylib gives itself; None for everything else."""
    command = view.first(LoadCommandKind.ID_DYLIB)
    name = view.text(command, 8) if command else None
    if command is None or name is None:
        return None
    return InstallName(name, dotted(view.number(command, 20)), dotted(view.number(command, 16)), command.offset)


def read_rpaths(view: MachoView) -> tuple[SearchDir, ...]:
    """LC_RPATH, in order."""
    texts = ((command, view.text(command, 8)) for command in view.all(LoadCommandKind.RPATH))
    return tuple(SearchDir(SearchKind.LC_RPATH, text, command.offset) for command, text in texts if text is not None)


def read_texts(view: MachoView, *numbers: int) -> tuple[str, ...]:
    """The texts of commands that hold nothing else (LC_DYLD_ENVIRONMENT, LC_SUB_CLIENT, LC_LOAD_DYLINKER ...)."""
    texts = (view.text(command, 8) for command in view.all(*numbers))
    return tuple(text for text in texts if text is not None)


def read_uuid(view: MachoView) -> str | None:
    """LC_UUID in hex, which names one build."""
    command = view.first(LoadCommandKind.UUID)
    if command is None:
        return None
    if len(command.data) < 24:
        view.damage.add("uuid", "the command is cut off", command.offset)
        return None
    return uuid.UUID(bytes=command.data[8:24]).hex


def read_builds(view: MachoView) -> tuple[BuildVersion, ...]:
    """The platforms it was built for; a zippered image names two."""
    builds = []
    for command in view.all(LoadCommandKind.BUILD_VERSION, *MIN_VERSION_PLATFORMS):
        if command.number == LoadCommandKind.BUILD_VERSION:
            platform, at = view.number(command, 8), 12
        else:
            platform, at = MIN_VERSION_PLATFORMS[LoadCommandKind(command.number)], 8
        minimum, sdk = dotted(view.number(command, at)), dotted(view.number(command, at + 4))
        builds.append(BuildVersion(PLATFORMS.get(platform, f"platform {platform}"), minimum, sdk, command.offset))
    return tuple(builds)


def read_source_version(view: MachoView) -> str:
    """LC_SOURCE_VERSION as text: 24 bits and four times ten."""
    command = view.first(LoadCommandKind.SOURCE_VERSION)
    if command is None:
        return ""
    value = view.number(command, 8, 8)
    return ".".join(str(part) for part in (value >> 40, *(value >> shift & 0x3FF for shift in (30, 20, 10, 0))))


def read_encryption(view: MachoView) -> tuple[Encryption, ...]:
    """The parts of the file that are, or can be, encrypted."""
    return tuple(
        Encryption(view.number(c, 8), view.number(c, 12), view.number(c, 16), c.offset)
        for c in view.all(LoadCommandKind.ENCRYPTION_INFO, LoadCommandKind.ENCRYPTION_INFO_64)
    )
