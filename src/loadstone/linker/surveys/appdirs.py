"""Where the programs of an AppImage look for libraries: what the file that starts them, AppRun, sets.

Source: AppImage specification, "The contents of the image"; AppRun of AppImageKit, linuxdeploy and appimage-builder,
which are programs, scripts and settings. They are read, not run.
"""

from __future__ import annotations

import re
from typing import Final

from loadstone.linker.view import FileView

__all__ = ["is_appdir", "library_path", "may_set_path"]

_STARTERS: Final = ("AppRun", "AppRun.env", ".env")
_HOOKS: Final = "apprun-hooks"
_SETTING: Final = re.compile(rb"""(?:LD|APPDIR)_LIBRARY_PATH=((?:"[^"\n\0]*"|'[^'\n\0]*'|[^\s"';\0])+)""")
_APPDIR: Final = re.compile(r"^(?:%s|\$\w+|\$\{\w+\}|\$\(.*\))(?=/)")
"""However it is spelt: a format, a variable or a command that stands for the folder of the image."""


def is_appdir(view: FileView, place: str) -> bool:
    """Whether a folder is what an AppImage is made of."""
    return view.exists(f"{place}/{_STARTERS[0]}")


def may_set_path(name: str) -> bool:
    """Whether a file of an archive would start the programs of an AppImage, as far as its name says."""
    return name in _STARTERS or name.startswith(f"{_HOOKS}/")


def library_path(view: FileView, place: str) -> tuple[str, ...]:
    """The folders below ``place`` that AppRun puts into LD_LIBRARY_PATH, in its order; only those that are there."""
    found: dict[str, None] = {}
    for name in (*_STARTERS, *_hooks(view, place)):
        for value in _SETTING.findall(_text(view, f"{place}/{name}")):
            for element in re.sub(r"[\"']", "", value.decode("utf-8", "replace")).split(":"):
                folder = _APPDIR.sub("", element, count=1)
                path = f"{place}{folder.partition('$')[0].rstrip('/')}"
                if folder != element and not view.is_directory(path):
                    found.setdefault(path)
    return tuple(found)


def _hooks(view: FileView, place: str) -> tuple[str, ...]:
    try:
        return tuple(f"{_HOOKS}/{name}" for name in view.names(f"{place}/{_HOOKS}"))
    except OSError:
        return ()


def _text(view: FileView, path: str) -> bytes:
    try:
        return view.read_bytes(path)
    except OSError:
        return b""
