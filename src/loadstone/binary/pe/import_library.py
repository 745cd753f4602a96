"""Import libraries: static archives that hold no code of their own and stand for DLLs when linking.

Two forms are in use: short import objects (MSVC, LLVM), and objects with parts of an import table, whose DLL is named
in ``.idata$7`` (GNU dlltool). Source: PE format, "Import Library Format"; binutils' dlltool.c.
"""

from __future__ import annotations

from collections.abc import Iterator

from loadstone.binary.readers import images
from loadstone.core.image import DependencyKind, Format, Image
from loadstone.core.limits import MAX_NAME_LENGTH
from loadstone.errors import MalformedImage

__all__ = ["imported_by"]

_NAME_OF_DLL = ".idata$7"


def imported_by(archive: bytes) -> tuple[str, ...]:
    """The DLLs that a static archive stands for, in its order; empty for one that is no import library. Pure."""
    try:
        members = images(archive)
    except MalformedImage:
        return ()
    return tuple(dict.fromkeys(name for member in members for name in _names(member, archive)))


def _names(member: Image, archive: bytes) -> Iterator[str]:
    if member.format is not Format.PE:
        return
    yield from (need.name for need in member.needed if need.kind is DependencyKind.FORWARD and need.name)
    for section in member.sections:
        if section.name == _NAME_OF_DLL:
            size = min(section.size, MAX_NAME_LENGTH)
            text = archive[section.offset : section.offset + size].partition(b"\0")[0]
            if text.isascii() and text.decode("ascii").isprintable() and text:
                yield text.decode("ascii")
