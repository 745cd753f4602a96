"""What a confined child may read besides the system's files: the library's own folder, and what the caller names.

The folder is left out where it is somebody's home, or one that anybody may write to: then it is the libraries in it
alone. Folders that the library's own search path names are its own as well. Reads the image, opens nothing else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from itertools import islice
from typing import Final

from loadstone.core.image import Image

__all__ = ["readable_for"]

_MAX_LIBRARIES: Final = 256
_ANYBODYS: Final = stat.S_ISVTX | stat.S_IWOTH


def readable_for(path: str, image: Image | None, allowed: Iterable[str] = ()) -> tuple[str, ...]:
    """Files and folders, absolute, each once."""
    folders = {os.path.dirname(os.path.abspath(path)), os.path.dirname(os.path.realpath(path))}
    if image is not None:
        origin = os.path.dirname(os.path.realpath(path))
        folders.update(_expanded(entry, origin) for entry in (*image.rpath, *image.runpath))
    found = [os.path.realpath(name) for name in allowed]
    for folder in sorted(folders - {""}):
        found += _libraries(folder) if _is_somebodys(folder) else [folder]
    return tuple(dict.fromkeys(found))


def _expanded(entry: str, origin: str) -> str:
    """A search path's folder, or "" for one that is not absolute in the end."""
    folder = entry.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
    return os.path.realpath(folder) if os.path.isabs(folder) else ""


def _is_somebodys(folder: str) -> bool:
    """Whether more than libraries lies there: a home or a folder above one, or where anybody puts files."""
    home = os.path.realpath(os.path.expanduser("~"))
    real = os.path.realpath(folder)
    if real == os.sep or os.path.commonpath((real, home)) == real or os.path.dirname(real) == "/home":
        return True
    try:
        return os.stat(real).st_mode & _ANYBODYS == _ANYBODYS
    except OSError:
        return True


def _libraries(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            names = (entry.path for entry in entries if ".so" in entry.name and entry.is_file())
            return list(islice(names, _MAX_LIBRARIES))
    except OSError:
        return []
