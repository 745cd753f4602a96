"""What the import of a Python package does for the DLLs of its modules on Windows, as far as its files say.

A module's folder is searched, and nothing leads to ``numpy.libs`` beside ``numpy``: the package's ``__init__.py`` hands
it to ``os.add_dll_directory``, or opens the DLLs first. delvewheel and its like write such lines into it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from loadstone.linker.view import FileView
from loadstone.quick_dataclass import dataclass

__all__ = ["MADE_KNOWN", "WindowsPackages", "leads_to_libraries", "may_make_known", "packages_around"]

MADE_KNOWN: Final = (".libs", ".dlls")
"""Ends of the folders that repair tools fill; nothing leads to them unless a package makes them known."""

_LEAD: Final = (b"add_dll_directory", b"WinDLL", b"CDLL", b"LoadLibrary")
_RUN_AT_IMPORT: Final = ("__init__.py", "_distributor_init.py")
_IMPORTED: Final = re.compile(rb"^(?:import|from)[ \t]+([A-Za-z]\w*)", re.MULTILINE)
_MAX_IMPORTED: Final = 20
_LEVELS: Final = 8
_DEPTH: Final = 2
_MAX_INSIDE: Final = 200


@dataclass(frozen=True, slots=True)
class WindowsPackages:
    """Packages for Windows in a place: the folders that hold DLLs, as they are opened; whether Python imports them.

    ``made_known`` are those of the folders that code of the packages makes known to the loader.
    """

    folders: tuple[str, ...] = ()
    is_for_python: bool = False
    made_known: frozenset[str] = frozenset()

    @classmethod
    def of(cls, folders: tuple[str, ...], texts: list[bytes], *, is_for_python: bool) -> WindowsPackages:
        """Folders, and which of them the texts of Python files name that lead to libraries."""
        leading = [text for text in texts if leads_to_libraries(text)]
        known = frozenset(f for f in folders if any(posixpath.basename(f).encode() in text for text in leading))
        return cls(folders, is_for_python, known)


def leads_to_libraries(text: bytes) -> bool:
    """Whether a Python file makes folders known to the loader, or opens libraries before others need them."""
    return any(word in text for word in _LEAD)


def may_make_known(name: str) -> bool:
    """Whether a file of a place is run when a package is imported, as far as its name says."""
    leaf = posixpath.basename(name)
    return leaf in _RUN_AT_IMPORT or (leaf.endswith(".py") and "/" not in name)


def packages_around(view: FileView, path: str) -> WindowsPackages:
    """What the packages around one module make known, which are imported before it."""
    inside = [posixpath.dirname(path)]
    while "__init__.py" in _names(view, inside[-1]) and len(inside) < _LEVELS:
        inside.append(posixpath.dirname(inside[-1]))
    found = (posixpath.join(place, leaf) for place in inside for leaf in _names(view, place))
    beside = tuple(folder for folder in found if folder.endswith(MADE_KNOWN))
    folders = (*beside, *(folder for place in inside[:-1] for folder in _with_libraries(view, place)))
    texts = [_read(view, posixpath.join(place, leaf)) for place in inside[:-1] for leaf in _RUN_AT_IMPORT]
    for_python = len(inside) > 1 or path.casefold().endswith(".pyd")
    found_here = WindowsPackages.of(folders, texts, is_for_python=for_python)
    return _with_imported(view, found_here, inside[-1], texts) if for_python else found_here


def _with_imported(view: FileView, own: WindowsPackages, site: str, texts: list[bytes]) -> WindowsPackages:
    """What packages make known that the own ones import: those come first, whatever is opened later."""
    names = dict.fromkeys(match[1].decode() for text in texts for match in _IMPORTED.finditer(text))
    folders, known = dict.fromkeys(own.folders), own.made_known
    for package in (posixpath.join(site, name) for name in list(names)[:_MAX_IMPORTED]):
        text = _read(view, posixpath.join(package, "__init__.py"))
        inside = tuple(_with_libraries(view, package)) if leads_to_libraries(text) else ()
        folders.update(dict.fromkeys(inside))
        known |= WindowsPackages.of(inside, [text], is_for_python=True).made_known
    return WindowsPackages(tuple(folders), own.is_for_python, known)


def _with_libraries(view: FileView, package: str, depth: int = 0) -> Iterator[str]:
    """The folders within a package that hold DLLs, as ``Qt6/bin`` of PyQt6."""
    for leaf in _names(view, package)[:_MAX_INSIDE] if depth < _DEPTH else ():
        folder = posixpath.join(package, leaf)
        if any(name.casefold().endswith(".dll") for name in _names(view, folder)):
            yield folder
        if "." not in leaf:
            yield from _with_libraries(view, folder, depth + 1)


def _names(view: FileView, folder: str) -> tuple[str, ...]:
    try:
        return view.names(folder)
    except OSError:
        return ()


def _read(view: FileView, path: str) -> bytes:
    try:
        return view.read_bytes(path)
    except OSError:
        return b""
