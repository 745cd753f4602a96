"""GNU linker scripts that stand where a library is looked for (``libc.so``): followed to the library they name.

Source: ld(1) info pages, "File Commands": GROUP and INPUT take file names and ``-l`` names; ``=`` or ``$SYSROOT`` in
front of a name stands for the system root. Only reads files; runs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from loadstone.binary.cursor import Cursor
from loadstone.binary.sniff import SNIFF_SIZE, FileKind, identify
from loadstone.errors import Unreadable

__all__ = ["follow_script"]

_MAX_DEPTH: Final = 8
_IMAGES: Final = frozenset({FileKind.ELF, FileKind.PE, FileKind.MACHO, FileKind.UNIVERSAL})


def follow_script(path: str, *, root: str = "/") -> str | None:
    """The first library that the linker script at ``path`` leads to, or None when none of its files is one.

    Args:
        path: the script; a file that is a library already is its own answer.
        root: the system root absolute names in it are taken under.

    Raises:
        Unreadable: ``path`` itself cannot be read; what it names may be absent.
    """
    return _followed(path, root, frozenset())


def _followed(path: str, root: str, seen: frozenset[str]) -> str | None:
    with Cursor.open(path) as cursor:
        found = identify(cursor.upto(0, SNIFF_SIZE))
    if found.kind in _IMAGES:
        return path
    if found.kind is not FileKind.LINKER_SCRIPT or path in seen or len(seen) >= _MAX_DEPTH:
        return None
    for name in found.inputs:
        for candidate in _candidates(name, os.path.dirname(path), root):
            try:
                library = _followed(candidate, root, seen | {path})
            except Unreadable:
                continue
            if library is not None:
                return library
    return None


def _candidates(name: str, folder: str, root: str) -> Iterator[str]:
    for prefix in ("=", "$SYSROOT"):
        if name.startswith(prefix):
            name = "/" + name.removeprefix(prefix).lstrip("/")
    if name.startswith("/"):
        yield os.path.join(root, name.lstrip("/"))
    elif name.startswith("-l"):
        yield os.path.join(folder, name[3:] if name[2:3] == ":" else f"lib{name[2:]}.so")
    else:
        yield os.path.join(folder, name)
