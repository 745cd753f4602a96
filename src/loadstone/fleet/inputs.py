"""One input of a scan: a package or a loose file, and what is known of it before it is read."""

from __future__ import annotations

import hashlib
import os
import re
from typing import Final
from urllib.parse import unquote

from loadstone.quick_dataclass import dataclass

__all__ = ["PackageName", "ScanInput", "is_remote", "package_name", "stamp_of"]


@dataclass(frozen=True, slots=True)
class PackageName:
    """Name, version and architecture of a package, empty where they are not known."""

    name: str = ""
    version: str = ""
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class ScanInput:
    """A package or a file to read.

    ``source`` is what was asked for, ``location`` the path or address, ``stamp`` changes when the content does: its
    digest where an index gives one, else a digest of path, size and times. ``size`` is in bytes.
    """

    source: str
    location: str
    stamp: str
    size: int
    package: PackageName


def is_remote(location: str) -> bool:
    """Whether a location is an address for fsspec rather than a path."""
    return re.match(r"[a-z][a-z0-9+.-]+://", location) is not None


def stamp_of(location: str, *facts: object) -> str:
    """A name for the content of a location as it is now."""
    text = "\0".join((location, *map(str, facts)))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


_PATTERNS: Final = (
    # name_version_arch.deb, colons of epochs as %3a (deb(5), apt-get download)
    re.compile(r"(?P<name>[^_]+)_(?P<version>[^_]+)_(?P<arch>[^_]+)\.u?deb$"),
    # name-version(-build)?-python-abi-platform.whl (PEP 427)
    re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-\d[^-]*)?-[^-]+-[^-]+-(?P<arch>[^-]+)\.whl$"),
    # name-version-release.arch.rpm
    re.compile(r"(?P<name>.+)-(?P<version>[^-]+-[^-]+)\.(?P<arch>[^.-]+)\.rpm$"),
    # name-version-rN.apk
    re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*-r\d+)(?P<arch>)\.apk$"),
    # name-version-build.conda
    re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<arch>[^-]+)\.(?:conda|tar\.bz2)$"),
)


def package_name(location: str) -> PackageName:
    """What a package's file name says of it; the whole name where it follows no known form.

    >>> package_name("pool/libfoo1_1%3a2.0-1_amd64.deb")
    PackageName(name='libfoo1', version='1:2.0-1', architecture='amd64')
    >>> package_name("demo-1.0-cp312-cp312-musllinux_1_2_x86_64.whl")
    PackageName(name='demo', version='1.0', architecture='musllinux_1_2_x86_64')
    """
    leaf = os.path.basename(unquote(location))
    found = next(filter(None, (pattern.match(leaf) for pattern in _PATTERNS)), None)
    return PackageName(found["name"], found["version"], found["arch"]) if found else PackageName(leaf)
