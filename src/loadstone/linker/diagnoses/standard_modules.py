"""A module of Python's own library that this Python was built without: what its build needs, and how it is built again.

Source: the devguide of CPython, "Install dependencies", and README of pyenv, "Suggested build environment".
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from loadstone.linker.diagnoses.managers import built_anew
from loadstone.linker.diagnoses.whereabouts import names_in
from loadstone.linker.package_systems import system_of
from loadstone.linker.request import LoaderModel

__all__ = ["module_not_built"]

_NEEDS: Final = {
    "_ctypes": ("libffi-dev", "libffi-devel"),
    "_ssl": ("libssl-dev", "openssl-devel"),
    "_hashlib": ("libssl-dev", "openssl-devel"),
    "_sqlite3": ("libsqlite3-dev", "sqlite-devel"),
    "_bz2": ("libbz2-dev", "bzip2-devel"),
    "_lzma": ("liblzma-dev", "xz-devel"),
    "_zstd": ("libzstd-dev", "libzstd-devel"),
    "zlib": ("zlib1g-dev", "zlib-devel"),
    "readline": ("libreadline-dev", "readline-devel"),
    "_tkinter": ("tk-dev", "tk-devel"),
    "_curses": ("libncurses-dev", "ncurses-devel"),
    "_dbm": ("libgdbm-compat-dev", "gdbm-devel"),
    "_gdbm": ("libgdbm-dev", "gdbm-devel"),
    "_uuid": ("uuid-dev", "libuuid-devel"),
}
"""What a module is built with, by the names of Debian and of Fedora."""
_OF_THE_SYSTEM: Final = {"_tkinter": "python3-tk", "_gdbm": "python3-gdbm"}
"""Modules that Debian has in packages of their own."""
_MODULE: Final = re.compile(r"(?:.*/)?(\w+?)(?:\.(?:cpython|abi3)[\w-]*)?(?:\.so)?")
_DYNLOAD: Final = "lib-dynload"


def module_not_built(model: LoaderModel, asked: str) -> tuple[str, str]:
    """The Python that lacks a module of its own library, and the command that brings it; empty texts for all else."""
    found = _MODULE.fullmatch(asked)
    needs = _NEEDS.get(found[1]) if found is not None else None
    folder = posixpath.dirname(asked) if "/" in asked else _own_folder(model)
    if found is None or needs is None or posixpath.basename(folder) != _DYNLOAD or not names_in(model, folder):
        return "", ""
    system = system_of(model.view)
    own = _OF_THE_SYSTEM.get(found[1])
    if folder.startswith("/usr/lib/python") and own is not None and system is None:
        return folder, f"apt-get install {own}"
    header = f"apt-get install {needs[0]}"
    if system is not None:
        header = f"dnf install {needs[1]}" if "dnf" in system.install else f"install the headers of {needs[1]}"
    again = built_anew(model, posixpath.join(folder, posixpath.basename(asked)))
    build = again or "build this Python anew: ./configure && make && make install"
    return folder, f"{header} && {build}"


def _own_folder(model: LoaderModel) -> str:
    """The folder of the built-in modules of the Python that opens things."""
    prefix = posixpath.dirname(posixpath.dirname(model.absolute(model.main_image or "")))
    versions = (leaf for leaf in names_in(model, f"{prefix}/lib") if leaf.startswith("python"))
    return next((f"{prefix}/lib/{leaf}/{_DYNLOAD}" for leaf in versions), "")
