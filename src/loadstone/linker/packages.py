"""Which package would bring a missing library, from the package database's own files; nothing is run.

Source: dpkg's database as deb-shlibs(5), deb-symbols(5) and dpkg-query(1) describe it: a list of files and a shlibs
file a package. A library of a package that is not installed is in none of them; then Debian's naming rule is followed
(Debian Policy 8.1), and only a name that the available list confirms is given.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from loadstone.linker.view import FileView

__all__ = ["owner_of", "package_name_of", "package_of_missing"]

_INFO: Final = "/var/lib/dpkg/info"
_SONAME: Final = re.compile(r"(.+?)\.so\.([^/]+)$|(.+?)-([0-9][^/]*)\.so$")


def package_name_of(soname: str) -> str | None:
    """The package name Debian Policy 8.1 prescribes for a SONAME, None for a name that is none.

    >>> package_name_of("libz3.so.4"), package_name_of("libfoo.so.1.2")
    ('libz3-4', 'libfoo1.2')
    """
    match = _SONAME.match(soname)
    if match is None:
        return None
    stem, version = (match[1], match[2]) if match[1] else (match[3], match[4])
    joint = "-" if stem[-1].isdigit() else ""
    return f"{stem}{joint}{version}".lower().replace("_", "-")


def package_of_missing(view: FileView, soname: str) -> str | None:
    """The package that has ``soname``: one whose shlibs file names it, or one known to apt under the policy's name."""
    by_shlibs = _shlibs(view).get(soname)
    if by_shlibs:
        return by_shlibs
    name = package_name_of(soname)
    return name if name and name in _available(view) else None


def owner_of(view: FileView, path: str) -> str | None:
    """The installed package a file belongs to; as dpkg knows files under /lib and /usr/lib by one spelling only."""
    spellings = {path, path.removeprefix("/usr") if path.startswith("/usr/lib") else f"/usr{path}"}
    for name in _listing(view, _INFO):
        if not name.endswith(".list"):
            continue
        lines = _text(view, f"{_INFO}/{name}").split("\n")
        if spellings.intersection(lines):
            return name.removesuffix(".list").partition(":")[0]
    return None


def _listing(view: FileView, directory: str) -> tuple[str, ...]:
    try:
        return view.names(directory)
    except OSError:
        return ()


def _text(view: FileView, path: str) -> str:
    try:
        return view.read_bytes(path).decode("utf-8", "replace")
    except OSError:
        return ""


@lru_cache(maxsize=4)
def _shlibs(view: FileView) -> dict[str, str]:
    """SONAME to package, from every shlibs file: lines ``[type:] library version package ...``."""
    found: dict[str, str] = {}
    for name in _listing(view, _INFO):
        if not name.endswith(".shlibs"):
            continue
        for line in _text(view, f"{_INFO}/{name}").splitlines():
            words = line.split()
            if words and words[0].endswith(":"):
                words = words[1:]
            if len(words) > 2:
                library, version, package = words[:3]
                found.setdefault(f"{library}.so.{version}", package)
                found.setdefault(f"{library}-{version}.so", package)
    return found


@lru_cache(maxsize=4)
def _available(view: FileView) -> frozenset[str]:
    """Every package name apt's lists or dpkg's status know."""
    lists = "/var/lib/apt/lists"
    texts = [_text(view, f"{lists}/{n}") for n in _listing(view, lists) if n.endswith("_Packages")]
    texts.append(_text(view, "/var/lib/dpkg/status"))
    return frozenset(line[9:] for text in texts for line in text.splitlines() if line.startswith("Package: "))
