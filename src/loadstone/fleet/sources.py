"""What a scan is asked about, as a stream of inputs: folders, globs, packages, repositories, object stores, lists.

A repository's index is a source as it stands; see :mod:`loadstone.fleet.indexes`. Nothing is read here but names, sizes
and indexes.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Final

from loadstone.errors import Unreadable
from loadstone.fleet.indexes import MAX_INDEX, OCI_LAYOUT, index_of
from loadstone.fleet.inputs import PackageName, ScanInput, is_remote, package_name, stamp_of
from loadstone.fleet.locations import file_system, read_all

__all__ = ["inputs_of"]


def inputs_of(sources: Iterable[str]) -> Iterator[ScanInput]:
    """Every input of some sources, in the order of their names; the same place named twice comes twice.

    Args:
        sources: folders, patterns with ``*``, files, indexes of repositories, addresses that fsspec knows
            (``s3://bucket/folder``), and ``@FILE`` for a list of these, one a line.

    Raises:
        Unreadable: a source cannot be had.
        Unsupported: an address needs the extra ``fleet``.
    """
    for source in sources:
        if source.startswith("@"):
            lines = read_all(source[1:], MAX_INDEX).decode("utf-8", "surrogateescape").splitlines()
            yield from inputs_of(line.strip() for line in lines if line.strip() and not line.startswith("#"))
        elif is_remote(source):
            yield from _remote(source)
        else:
            yield from _local(source)


def _local(source: str) -> Iterator[ScanInput]:
    if os.path.isdir(source):
        yield from _folder(source)
        return
    paths = [source] if os.path.lexists(source) else sorted(glob.glob(source, recursive=True))
    if not paths:
        raise Unreadable(path=source, reason="No such file or directory", code=2)
    for path in paths:
        index = index_of(path)
        if os.path.isdir(path):
            yield from _folder(path, source)
        elif index is not None:
            yield from index(source, path)
        else:
            yield from _file(source, path)


def _folder(folder: str, source: str = "") -> Iterator[ScanInput]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        layout = index_of(OCI_LAYOUT) if OCI_LAYOUT in names else None
        if layout is not None:
            yield from layout(source or folder, os.path.join(place, OCI_LAYOUT))
            folders[:] = [name for name in folders if name != "blobs"]
        for name in sorted(names):
            yield from _file(source or folder, os.path.join(place, name))


def _file(source: str, path: str) -> Iterator[ScanInput]:
    """A regular file; nothing else has content, and a link's target is met where it lies."""
    try:
        found = os.lstat(path)
    except OSError as error:
        raise Unreadable(path=path, reason=error.strerror or str(error), code=error.errno) from error
    if stat.S_ISREG(found.st_mode):
        stamp = stamp_of(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        yield ScanInput(source, path, stamp, found.st_size, _name_of(path))


def _name_of(path: str) -> PackageName:
    """Packages have a name; of loose files it is where they lie that counts."""
    return package_name(path) if path.endswith(_PACKAGES) else PackageName()


_PACKAGES: Final = (".deb", ".udeb", ".whl", ".rpm", ".apk", ".conda", ".tar.bz2", ".tar", ".zip", ".tgz", ".tar.gz")


def _remote(source: str) -> Iterator[ScanInput]:
    system, path = file_system(source)
    try:
        found = system.glob(path, detail=True) if "*" in path else system.find(path, detail=True)
    except OSError as error:
        raise Unreadable(path=source, reason=error.strerror or str(error), code=error.errno) from error
    if not found:
        raise Unreadable(path=source, reason="there is no such object", code=2)
    for name, info in sorted(found.items()):
        if info["type"] == "file":
            facts = [info.get(key) for key in ("size", "ETag", "etag", "mtime", "LastModified", "created")]
            location = system.unstrip_protocol(name)
            yield ScanInput(source, location, stamp_of(location, *facts), int(info["size"] or 0), _name_of(name))
