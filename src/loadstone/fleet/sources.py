"""What a scan is asked about, as a stream of inputs: folders, globs, packages, repositories, object stores, lists.

A repository's index is a source as it stands: ``Packages`` of Debian, ``APKINDEX`` of Alpine, the pages of a simple
index (PEP 503) kept as files. An index format is a function and a row in :data:`INDEXES`. Nothing is read here but
names, sizes and indexes.
"""

from __future__ import annotations

import glob
import io
import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from loadstone.archives import members
from loadstone.errors import Unreadable
from loadstone.files import open_regular
from loadstone.fleet.extra import needed_for
from loadstone.fleet.inputs import PackageName, ScanInput, is_remote, package_name, stamp_of

__all__ = ["INDEXES", "file_system", "inputs_of", "read_all"]

_MAX_INDEX: Final = 1 << 30
_PACKED: Final = {".gz": "gzip", ".xz": "lzma", ".bz2": "bz2", "": ""}

IndexReader = Callable[[str, str], Iterator[ScanInput]]


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
            lines = read_all(source[1:], _MAX_INDEX).decode("utf-8", "surrogateescape").splitlines()
            yield from inputs_of(line.strip() for line in lines if line.strip() and not line.startswith("#"))
        elif is_remote(source):
            yield from _remote(source)
        else:
            yield from _local(source)


def read_all(location: str, most: int) -> bytes:
    """The content of a path or an address, no more than ``most`` bytes.

    Raises:
        Unreadable: it cannot be had, or it is larger.
    """
    try:
        if is_remote(location):
            system, path = file_system(location)
            with system.open(path, "rb") as stream:
                data: bytes = stream.read(most + 1)
        else:
            with open(location, "rb", opener=open_regular) as stream:
                data = stream.read(most + 1)
    except OSError as error:
        raise Unreadable(path=location, reason=error.strerror or str(error), code=error.errno) from error
    if len(data) > most:
        raise Unreadable(path=location, reason=f"it has more than {most:,} bytes")
    return data


def file_system(location: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it."""
    core = needed_for("reading an object store", "fsspec.core")
    try:
        system, path = core.url_to_fs(location)
    except (ValueError, ImportError) as error:
        raise Unreadable(path=location, reason=str(error), advice="install the package that fsspec names") from error
    return system, path


# Where inputs come from.


def _local(source: str) -> Iterator[ScanInput]:
    if os.path.isdir(source):
        yield from _folder(source)
        return
    paths = [source] if os.path.lexists(source) else sorted(glob.glob(source, recursive=True))
    if not paths:
        raise Unreadable(path=source, reason="No such file or directory", code=2)
    for path in paths:
        index = _index_of(path)
        if os.path.isdir(path):
            yield from _folder(path, source)
        elif index is not None:
            yield from index(source, path)
        else:
            yield from _file(source, path)


def _folder(folder: str, source: str = "") -> Iterator[ScanInput]:
    for place, folders, names in os.walk(folder):
        folders.sort()
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


# Indexes of repositories.


def _index_of(path: str) -> IndexReader | None:
    leaf = os.path.basename(path)
    return next((reader for known, reader in INDEXES if known(leaf)), None)


def _debian(source: str, path: str) -> Iterator[ScanInput]:
    """``Packages``: stanzas with Filename relative to the archive's root. Source: Debian's "Repository format"."""
    base = ""
    for fields in _stanzas(_unpacked(path), ": "):
        if "Filename" not in fields:
            continue
        base = base or _root_with(os.path.dirname(os.path.abspath(path)), fields["Filename"])
        location = os.path.join(base, fields["Filename"])
        if not os.path.isfile(location):  # a mirror of a part
            continue
        name = PackageName(fields.get("Package", ""), fields.get("Version", ""), fields.get("Architecture", ""))
        stamp = fields.get("SHA256") or stamp_of(location, os.path.getmtime(location))
        yield ScanInput(source, location, stamp, os.path.getsize(location), name)


def _alpine(source: str, path: str) -> Iterator[ScanInput]:
    """``APKINDEX.tar.gz``: P name, V version, A architecture, C checksum. Source: Alpine wiki, "Apk spec"."""
    text = next((m.read() for m in members(path) if m.name == "APKINDEX"), b"")
    for fields in _stanzas(text, ":"):
        name, version = fields.get("P", ""), fields.get("V", "")
        location = os.path.join(os.path.dirname(path), os.path.basename(f"{name}-{version}.apk"))
        if os.path.isfile(location):
            stamp = stamp_of(location, fields.get("C", ""), os.path.getmtime(location))
            package = PackageName(name, version, fields.get("A", ""))
            yield ScanInput(source, location, stamp, os.path.getsize(location), package)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def _simple(source: str, path: str) -> Iterator[ScanInput]:
    """A page of a simple index kept as a file, and the pages it links to. Source: PEP 503."""
    links = _Links()
    links.feed(read_all(path, _MAX_INDEX).decode("utf-8", "replace"))
    for link in links.found:
        parts = urlsplit(link)
        target = os.path.normpath(os.path.join(os.path.dirname(path), unquote(parts.path)))
        page = os.path.join(target, "index.html")
        if parts.scheme:
            continue
        if os.path.isfile(page) and os.path.dirname(target) == os.path.dirname(os.path.abspath(path)):
            yield from _simple(source, page)
        elif os.path.isfile(target) and target.endswith(".whl"):
            digest = parts.fragment.removeprefix("sha256=") if parts.fragment.startswith("sha256=") else ""
            stamp = digest or stamp_of(target, os.path.getmtime(target))
            yield ScanInput(source, target, stamp, os.path.getsize(target), package_name(target))


INDEXES: Final[tuple[tuple[Callable[[str], bool], IndexReader], ...]] = (
    (lambda leaf: leaf in {f"Packages{end}" for end in _PACKED}, _debian),
    (lambda leaf: leaf == "APKINDEX.tar.gz", _alpine),
    (lambda leaf: leaf == "index.html", _simple),
)
"""How an index is known by its file's name, and the function that reads it."""


def _root_with(folder: str, name: str) -> str:
    """The nearest folder above an index below which a file it lists is; the index's own when there is none."""
    above = folder
    while not os.path.isfile(os.path.join(above, name)) and above != os.path.dirname(above):
        above = os.path.dirname(above)
    return above if os.path.isfile(os.path.join(above, name)) else folder


def _unpacked(path: str) -> bytes:
    """An index with its compression taken off, as far as it is bounded."""
    data = read_all(path, _MAX_INDEX)
    module = _PACKED[posixpath.splitext(path)[1]]
    if not module:
        return data
    opener = needed_for("an index", module).open
    try:
        with opener(io.BytesIO(data)) as stream:
            text: bytes = stream.read(_MAX_INDEX)
    except (OSError, EOFError, ValueError) as error:
        raise Unreadable(path=path, reason=str(error)) from error
    return text


def _stanzas(data: bytes, mark: str) -> Iterator[dict[str, str]]:
    """Paragraphs of fields, one a line; lines that go on begin with a blank and are left out."""
    for paragraph in data.decode("utf-8", "replace").split("\n\n"):
        lines = (line.partition(mark) for line in paragraph.split("\n") if line and not line[0].isspace())
        fields = {name: value.strip() for name, separator, value in lines if separator}
        if fields:
            yield fields
