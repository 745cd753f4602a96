"""The table of formats, and the two questions asked of every file: what is in it, and what is it at all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from errno import ENOENT
from importlib import import_module
from typing import Final, TypeAlias

from loadstone.binary.archive import open_member, split_member, windows
from loadstone.binary.cursor import Cursor
from loadstone.binary.damage import DamageLog
from loadstone.binary.sniff import SNIFF_SIZE, FileKind, Identified, identify
from loadstone.core.image import Image, Slice
from loadstone.errors import MalformedImage, Unreadable
from loadstone.quick_dataclass import replace

__all__ = ["READERS", "identify_file", "image_members", "images", "read"]

Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview
"""A path, or the bytes of a file."""

READERS: Final = {
    FileKind.ELF: ("loadstone.binary.elf.reader", "read_elf"),
    FileKind.PE: ("loadstone.binary.pe.reader", "read_pe"),
    FileKind.MACHO: ("loadstone.binary.macho.reader", "read_macho"),
    FileKind.COFF_OBJECT: ("loadstone.binary.pe.coff", "read_coff"),
    FileKind.IMPORT_OBJECT: ("loadstone.binary.pe.coff", "read_import"),
}
"""A format and the function that reads one image of it; imported when first met."""

SPLITTERS: Final = {
    FileKind.UNIVERSAL: ("loadstone.binary.universal", "slices"),
}
"""A container and the function that says where its images lie, the one for this processor first when asked to."""

ARCHIVES: Final = frozenset({FileKind.ARCHIVE, FileKind.BIG_ARCHIVE})
"""Containers of many unrelated images: :func:`images` gives all of them, :func:`read` one, as ``archive(member)``."""


def _function(row: tuple[str, str]) -> Callable[..., object]:
    module, name = row
    function: Callable[..., object] = getattr(import_module(module), name)
    return function


def _opened(source: Source | int) -> Cursor:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Cursor.of(bytes(source))
    if isinstance(source, int):
        return Cursor.taking(os.dup(source), f"descriptor {source}")
    try:
        return Cursor.open(source)
    except Unreadable as error:
        named = split_member(os.fspath(source)) if error.code == ENOENT else None
        if named is None:
            raise
        return open_member(*named)


def read(source: Source | int, *, strict: bool = False, path: str | None = None) -> Image:
    r"""The image in a file, or in bytes: ELF, PE or Mach-O.

    Of a universal file it is the one for this processor, failing that the first; ``slices`` lists them all. A member
    of an archive is named ``archive(member)``, as AIX loaders do.

    Args:
        source: a path, the bytes themselves, or the descriptor of a file that is open, which stays open.
        strict: raise at the first contradiction instead of recording it in ``damage``.
        path: what bytes, or a file that is open, are called.

    Raises:
        MalformedImage: it is no image, and ``what`` says what it is; or there is no usable header; or ``strict``.
        Unreadable: the bytes cannot be had: a directory, no permission, a device, gone.

    Nothing of the image runs. Thread-safe. The same on every platform.

    >>> read(b"#!/bin/sh\n")
    Traceback (most recent call last):
      ...
    loadstone.errors.MalformedImage: cannot parse the bytes given: at offset 0x0: not a binary, but a script for /bin/sh
    """
    with _opened(source) as cursor:
        cursor.path = path or cursor.path
        return _images(cursor, strict=strict, first=True)[0]


def images(source: Source | int, *, strict: bool = False, path: str | None = None) -> tuple[Image, ...]:
    """Every image of a universal file or an archive, in order; of any other file the one there is.

    ``path`` is what bytes, or a file that is open, are called. Otherwise as :func:`read`.
    """
    with _opened(source) as cursor:
        cursor.path = path or cursor.path
        return _images(cursor, strict=strict, first=False)


def image_members(path: str | os.PathLike[str]) -> tuple[Image | MalformedImage, ...]:
    """What :func:`images` gives, and in an archive that has an image what each other member is, in its place.

    Raises:
        MalformedImage: there is no image at all.
        Unreadable: the bytes cannot be had.
    """
    with _opened(path) as cursor:
        if identify(cursor.upto(cursor.start, SNIFF_SIZE)).kind not in ARCHIVES:
            return _images(cursor, strict=False, first=False)
        answers = tuple(answer for _, answer in _each_member(cursor, strict=False))
        return answers if any(isinstance(one, Image) for one in answers) else _images(cursor, strict=False, first=False)


def identify_file(path: str | os.PathLike[str]) -> Identified:
    """What a file is, whatever it is. Raises :class:`Unreadable` when its bytes cannot be had."""
    with Cursor.open(path) as cursor:
        return identify(cursor.upto(0, SNIFF_SIZE))


def _images(cursor: Cursor, *, strict: bool, first: bool) -> tuple[Image, ...]:
    if cursor.upto(cursor.start, 4) == b"\x7fELF":  # by far the most frequent
        return (_one(cursor, FileKind.ELF, strict=strict),)
    found = identify(cursor.upto(cursor.start, SNIFF_SIZE))
    if found.kind in SPLITTERS:
        return _parts(cursor, found, strict=strict, first=first)
    if found.kind in ARCHIVES and not first:
        return _members(cursor, found, strict=strict)
    return (_whole(cursor, found, strict=strict),)


def _whole(cursor: Cursor, found: Identified, *, strict: bool) -> Image:
    if found.kind not in READERS:
        raise _not_an_image(cursor, found)
    return _one(cursor, found.kind, strict=strict)


def _one(cursor: Cursor, kind: FileKind, *, strict: bool) -> Image:
    damage = DamageLog(cursor.path, strict=strict)
    image = _function(READERS[kind])(cursor, damage)
    assert isinstance(image, Image)
    return image


def _parts(cursor: Cursor, found: Identified, *, strict: bool, first: bool) -> tuple[Image, ...]:
    """The images of a container; its parts are images or nothing, never containers again."""
    log = DamageLog(cursor.path, strict=strict)
    parts: tuple[Slice, ...] = _function(SPLITTERS[found.kind])(cursor, log, own_first=first)  # type: ignore[assignment]
    images_found: list[Image] = []
    refusal: MalformedImage | None = None
    for part in parts:
        window = cursor.window(part.offset, part.size)
        try:
            image = _whole(window, identify(window.upto(part.offset, SNIFF_SIZE)), strict=strict)
        except MalformedImage as error:
            if strict:
                raise
            refusal = refusal or error
            log.add(f"slice for {part.architecture}", error.what, error.offset, fatal=True)
            continue
        images_found.append(image)
        if first:
            break
    if not images_found:
        raise refusal or _not_an_image(cursor, found)
    return tuple(replace(image, slices=parts, damage=log.entries() + image.damage) for image in images_found)


def _members(cursor: Cursor, found: Identified, *, strict: bool) -> tuple[Image, ...]:
    """The images among the members of an archive; what is none is left out, unless reading is strict."""
    images_found: list[Image] = []
    others: list[Identified] = []
    for kind, answer in _each_member(cursor, strict=strict):
        if isinstance(answer, Image):
            images_found.append(answer)
        elif strict:
            raise answer
        else:
            others.append(kind)
    if not images_found:
        raise _not_an_image(cursor, _archive_of(found, others))
    return tuple(images_found)


def _each_member(cursor: Cursor, *, strict: bool) -> Iterator[tuple[Identified, Image | MalformedImage]]:
    for window in windows(cursor):
        kind = identify(window.upto(window.start, SNIFF_SIZE))
        try:
            yield kind, _whole(window, kind, strict=strict)
        except MalformedImage as error:
            yield kind, error


def _archive_of(found: Identified, members: list[Identified]) -> Identified:
    """An archive without one image, by what it has instead: bitcode, texts, anything."""
    if not members:
        return replace(found, sentence="an empty archive")
    common = Counter(member.sentence for member in members).most_common(1)[0][0]
    return replace(found, sentence=f"{found.sentence} of {len(members)} members, such as {common}")


_BINARIES: Final = frozenset(
    {
        FileKind.XCOFF, FileKind.DYLD_CACHE, FileKind.DEX, FileKind.OAT, FileKind.WASM,
        FileKind.KERNEL_IMAGE, FileKind.MINIDUMP, FileKind.BITCODE, FileKind.JAVA_CLASS, FileKind.DOS,
        FileKind.ARCHIVE, FileKind.BIG_ARCHIVE, FileKind.THIN_ARCHIVE, FileKind.FOREIGN,
    }
)  # fmt: skip


def _not_an_image(cursor: Cursor, found: Identified) -> MalformedImage:
    what = "no ELF, PE or Mach-O image" if found.kind in _BINARIES else "not a binary"
    return MalformedImage(
        what=f"{what}, but {found.sentence}", offset=cursor.start, path=cursor.path, advice=found.advice
    )
