"""Indexes of repositories, as they lie beside their packages: which packages there are, by what name, with what digest.

``Packages`` of Debian, ``APKINDEX`` of Alpine, ``repomd.xml`` of RPM, ``repodata.json`` of conda, the pages of a simple
index (PEP 503, PEP 691) kept as files, ``oci-layout`` of container images. A format is a function and a row in
:data:`INDEXES`.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

from loadstone.archives import Bounds, UnpackBudget, members
from loadstone.archives.compression import decompressed
from loadstone.archives.layout import FolderLayout, images_of
from loadstone.errors import MalformedImage, Unreadable
from loadstone.fleet.inputs import PackageName, ScanInput, package_name, stamp_of
from loadstone.fleet.locations import read_all

__all__ = ["INDEXES", "MAX_INDEX", "OCI_LAYOUT", "index_of"]

MAX_INDEX: Final = 1 << 30
OCI_LAYOUT: Final = "oci-layout"
"""A folder with a file of that name holds images, which are not told by their files one at a time."""

_PIECE: Final = 1 << 20

IndexReader = Callable[[str, str], Iterator[ScanInput]]


def index_of(path: str) -> IndexReader | None:
    """The reader of an index, if a file is called like one."""
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
        name = PackageName(fields.get("Package", ""), fields.get("Version", ""), fields.get("Architecture", ""))
        yield from _listed(source, location, fields.get("SHA256", ""), name)


def _conda(source: str, path: str) -> Iterator[ScanInput]:
    """``repodata.json`` of a channel's folder: packages by file name, with digest. Source: conda, "repodata"."""
    told = _json(path)
    folder = os.path.dirname(path)
    for kind in ("packages", "packages.conda"):
        listed = told.get(kind)
        for leaf, facts in sorted(listed.items() if isinstance(listed, dict) else ()):
            told_of = facts if isinstance(facts, dict) else {}
            name, version = str(told_of.get("name", "")), str(told_of.get("version", ""))
            package = PackageName(name, version, str(told_of.get("subdir", "")))
            yield from _listed(
                source, os.path.join(folder, os.path.basename(leaf)), str(told_of.get("sha256", "")), package
            )


def _json(path: str) -> dict[str, Any]:
    try:
        told = json.loads(_unpacked(path))
    except (ValueError, RecursionError) as error:
        raise Unreadable(path=path, reason=f"it is not a JSON document: {error}") from error
    return told if isinstance(told, dict) else {}


def _rpm(source: str, path: str) -> Iterator[ScanInput]:
    """``repomd.xml`` leads to the list of packages, ``primary.xml.gz``. Source: createrepo_c, "Repository metadata".

    Documents with declarations of their own are refused: a list of packages has none, and an entity may be a bomb.
    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(path)))
    for data in _xml(path, "{*}data[@type='primary']"):
        place = data.find("{*}location")
        primary = _below(root, place.get("href", "") if place is not None else "")
        for found in _xml(primary, "{*}package"):
            where, version = found.find("{*}location"), found.find("{*}version")
            facts = version.attrib if version is not None else {}
            epoch = f"{facts['epoch']}:" if facts.get("epoch", "0") != "0" else ""
            package = PackageName(
                found.findtext("{*}name", ""),
                f"{epoch}{facts.get('ver', '')}-{facts.get('rel', '')}",
                found.findtext("{*}arch", ""),
            )
            digest = found.findtext("{*}checksum[@type='sha256']", "")
            href = where.get("href", "") if where is not None else ""
            yield from _listed(source, _below(root, href), digest, package)


def _xml(path: str, wanted: str) -> list[ET.Element]:
    """Elements of a document, from the cheapest thing that cannot be made to swell: one without declarations."""
    text = _unpacked(path)
    if b"<!" in text.replace(b"<!--", b""):
        raise Unreadable(
            path=path, reason="it declares entities or has marked sections, which a package list never needs"
        )
    try:
        return ET.fromstring(text).findall(wanted)  # noqa: S314  without declarations nothing is expanded
    except ET.ParseError as error:
        raise Unreadable(path=path, reason=f"it is not an XML document: {error}") from error


def _below(root: str, name: str) -> str:
    """A file an index names, if it lies below the index's root."""
    path = os.path.normpath(os.path.join(root, name))
    return path if path.startswith(os.path.join(root, "")) else root


def _listed(source: str, location: str, digest: str, package: PackageName) -> Iterator[ScanInput]:
    """A package an index lists, if it is here: a mirror may have a part."""
    if os.path.isfile(location):
        stamp = digest or stamp_of(location, os.path.getmtime(location))
        yield ScanInput(source, location, stamp, os.path.getsize(location), package)


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
    links.feed(read_all(path, MAX_INDEX).decode("utf-8", "replace"))
    for link in links.found:
        parts = urlsplit(link)
        target = os.path.normpath(os.path.join(os.path.dirname(path), unquote(parts.path)))
        page = os.path.join(target, "index.html")
        if parts.scheme:
            continue
        if os.path.isfile(page) and os.path.dirname(target) == os.path.dirname(os.path.abspath(path)):
            yield from _simple(source, page)
        elif target.endswith(".whl"):
            digest = parts.fragment.removeprefix("sha256=") if parts.fragment.startswith("sha256=") else ""
            yield from _listed(source, target, digest, package_name(target))


def _simple_json(source: str, path: str) -> Iterator[ScanInput]:
    """The same as JSON, a project's files or the list of projects, kept as ``index.v1_json``. Source: PEP 691."""
    told, folder = _json(path), os.path.dirname(os.path.abspath(path))
    for project in _dicts(told.get("projects")):
        page = os.path.join(folder, os.path.basename(str(project.get("name", ""))), os.path.basename(path))
        if os.path.isfile(page) and page != os.path.abspath(path):
            yield from _simple_json(source, page)
    for file in _dicts(told.get("files")):
        parts, hashes = urlsplit(str(file.get("url", ""))), file.get("hashes")
        target = os.path.normpath(os.path.join(folder, unquote(parts.path)))
        if not parts.scheme and target.endswith(".whl"):
            digest = str(hashes.get("sha256", "")) if isinstance(hashes, dict) else ""
            yield from _listed(source, target, digest, package_name(target))


def _oci(source: str, path: str) -> Iterator[ScanInput]:
    """``oci-layout``: every image beside it, for each of its systems. Source: OCI image specification, "Image Layout".

    The name of an image is that of its annotations, or of the folder; its version is the tag.
    """
    folder = os.path.dirname(os.path.abspath(path))
    layout = FolderLayout(folder)
    try:
        images = images_of(layout)
    except MalformedImage as error:
        raise Unreadable(path=path, reason=error.what) from error
    for image in images:
        name, tag = _reference(image.name)
        location = os.path.join(folder, image.manifest)
        sizes = (
            os.path.getsize(layer)
            for layer in (os.path.join(folder, one) for one in image.layers)
            if os.path.isfile(layer)
        )
        package = PackageName(name or os.path.basename(folder), tag, image.system)
        yield ScanInput(source, location, stamp_of(image.manifest, image.name, image.system), sum(sizes), package)


def _reference(text: str) -> tuple[str, str]:
    """The name and the tag of an image; of an annotation that is a tag alone, only that.

    >>> _reference("registry:5000/team/app:1.2"), _reference("1.2"), _reference("registry:5000/app")
    (('registry:5000/team/app', '1.2'), ('', '1.2'), ('registry:5000/app', ''))
    """
    before, colon, tag = text.rpartition(":")
    if colon and "/" not in tag:
        return before, tag
    return (text, "") if "/" in text else ("", text)


def _dicts(listed: object) -> list[dict[str, Any]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


INDEXES: Final[tuple[tuple[Callable[[str], bool], IndexReader], ...]] = (
    (lambda leaf: leaf.split(".")[0] == "Packages", _debian),
    (lambda leaf: leaf == "APKINDEX.tar.gz", _alpine),
    (lambda leaf: leaf == "repomd.xml", _rpm),
    (lambda leaf: leaf.startswith("repodata.json"), _conda),
    (lambda leaf: leaf == "index.html", _simple),
    (lambda leaf: leaf == "index.v1_json", _simple_json),
    (lambda leaf: leaf == OCI_LAYOUT, _oci),
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
    stream = decompressed(io.BytesIO(read_all(path, MAX_INDEX)), UnpackBudget(path, Bounds(total=MAX_INDEX)))
    return b"".join(iter(lambda: stream.read(_PIECE), b""))


def _stanzas(data: bytes, mark: str) -> Iterator[dict[str, str]]:
    """Paragraphs of fields, one a line; lines that go on begin with a blank and are left out."""
    for paragraph in data.decode("utf-8", "replace").split("\n\n"):
        lines = (line.partition(mark) for line in paragraph.split("\n") if line and not line[0].isspace())
        fields = {name: value.strip() for name, separator, value in lines if separator}
        if fields:
            yield fields
