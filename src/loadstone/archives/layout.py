"""Where the documents and layers of container images lie, and which images there are: in a tar archive or in a folder.

Sources: OCI image specification, "Image Layout", "Image Index" and "Image Manifest"; Docker image specification v1.2.
What a document names is looked for among the layout's own blobs only.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import IO, Any, Final, Protocol

from loadstone.archives import tar
from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.member import PackedFile, Reader
from loadstone.errors import MalformedImage
from loadstone.files import open_regular
from loadstone.quick_dataclass import dataclass

__all__ = ["FolderLayout", "ImageLayout", "ListedImage", "PackedLayout", "images_of", "layers_of"]

_MANIFEST, _INDEX = "manifest.json", "index.json"
_MAX_DOCUMENT: Final = 8 << 20
_MAX_LAYERS: Final = 512
_MAX_IMAGES: Final = 4096
_MAX_DEPTH: Final = 4
"""An index may lead to an index."""

_DIGEST: Final = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+")
_NAMES: Final = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


class ImageLayout(Protocol):
    """Files by their names in the layout, as ``blobs/sha256/...``."""

    @property
    def path(self) -> str: ...
    def opened(self, name: str) -> AbstractContextManager[Reader]:
        """The content of one. Raises MalformedImage when it is not there."""

    def document(self, name: str) -> Any:
        """A JSON document; None when it is not there. Raises MalformedImage for one that is none, or too large."""


@dataclass(frozen=True, slots=True)
class ListedImage:
    """One image of a layout: what it is called (empty: nothing says so), for which system, and its lowest layer first.

    ``manifest`` is the name of its manifest among the blobs; empty for an archive of Docker's.
    """

    name: str
    system: str
    manifest: str
    layers: tuple[str, ...]


class PackedLayout:
    """The files of a tar archive, compressed or not. Each question goes through it from its beginning."""

    def __init__(self, stream: IO[bytes], path: str, budget: UnpackBudget) -> None:
        self.path: str = path
        self._stream = stream
        self._budget = budget

    def members(self) -> Iterator[PackedFile]:
        self._stream.seek(0)
        return tar.members(self._stream, self.path, self._budget)

    def opened(self, name: str) -> AbstractContextManager[Reader]:
        wanted = name
        for _ in range(2):  # Docker links a layer to the same one of another image
            found = next((member for member in self.members() if member.name == wanted), None)
            if found is None:
                break
            if found.opener is not None:
                return nullcontext(found.opener())
            wanted = found.same_as or posixpath.normpath(posixpath.join(posixpath.dirname(wanted), found.link or ""))
        raise MalformedImage(what=f"the image names {name} and does not have it", path=self.path)

    def document(self, name: str) -> Any:
        found = next((member for member in self.members() if member.name == name), None)
        return None if found is None else _parsed(found.read() if found.size <= _MAX_DOCUMENT else b"", name, self.path)


class FolderLayout:
    """The files of a folder that has ``oci-layout``."""

    def __init__(self, folder: str) -> None:
        self.path: str = folder

    def opened(self, name: str) -> IO[bytes]:
        try:
            return open(os.path.join(self.path, name), "rb", opener=open_regular)
        except OSError as error:
            said = f"the image names {name}, which cannot be opened: {error.strerror}"
            raise MalformedImage(what=said, path=self.path) from error

    def document(self, name: str) -> Any:
        if not os.path.lexists(os.path.join(self.path, name)):
            return None
        with self.opened(name) as stream:
            data = stream.read(_MAX_DOCUMENT + 1)
        return _parsed(data if len(data) <= _MAX_DOCUMENT else b"", name, self.path)


def _parsed(data: bytes, name: str, path: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedImage(what=f"{name} is not a JSON document, or too large for one", path=path) from error


def images_of(layout: ImageLayout) -> tuple[ListedImage, ...]:
    """Every image of a layout, in the order of its index. Raises MalformedImage when its documents contradict it."""
    try:
        listed = layout.document(_MANIFEST)
        if isinstance(listed, list) and listed:
            return tuple(_of_docker(one) for one in listed[:_MAX_IMAGES])
        return tuple(_below(layout, layout.document(_INDEX), "", _MAX_DEPTH))
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise MalformedImage(what=f"the image's documents lack {error}", path=layout.path) from error


def layers_of(layout: ImageLayout, manifest: str) -> tuple[str, ...]:
    """The layers of one manifest, lowest first. Raises as :func:`images_of`."""
    try:
        return _layers(layout, layout.document(manifest))
    except (AttributeError, KeyError, TypeError) as error:
        raise MalformedImage(what=f"{manifest} lacks {error}", path=layout.path) from error


def _of_docker(listed: dict[str, Any]) -> ListedImage:
    tags = listed.get("RepoTags") or [""]
    return ListedImage(str(tags[0]), "", "", tuple(map(str, listed["Layers"][:_MAX_LAYERS])))


def _below(layout: ImageLayout, index: dict[str, Any], name: str, depth: int) -> Iterator[ListedImage]:
    """The images an index leads to; what has no layers of files, as an attestation, is none."""
    if depth and isinstance(index, dict) and "layers" in index:
        yield ListedImage(name, "", "", _layers(layout, index))
        return
    for entry in index["manifests"][:_MAX_IMAGES] if depth else ():
        notes, platform = entry.get("annotations") or {}, entry.get("platform") or {}
        called = next((str(notes[key]) for key in _NAMES if notes.get(key)), name)
        blob = _blob(layout, entry["digest"])
        document = layout.document(blob)
        if document is None:
            raise MalformedImage(what=f"the image names {blob} and does not have it", path=layout.path)
        if "layers" not in document:
            yield from _below(layout, document, called, depth - 1)
        elif layers := _layers(layout, document):
            system = _system(platform) or _system(_configured(layout, document))
            yield ListedImage(called, system, blob, layers)


def _layers(layout: ImageLayout, manifest: dict[str, Any]) -> tuple[str, ...]:
    layers = manifest["layers"]
    if len(layers) > _MAX_LAYERS:
        raise MalformedImage(what=f"an image of {len(layers)} layers", path=layout.path)
    kinds = ((_blob(layout, layer["digest"]), str(layer.get("mediaType", "tar"))) for layer in layers)
    return tuple(name for name, kind in kinds if "tar" in kind)


def _configured(layout: ImageLayout, manifest: dict[str, Any]) -> dict[str, Any]:
    digest = (manifest.get("config") or {}).get("digest")
    return (layout.document(_blob(layout, digest)) or {}) if digest else {}


def _system(told: dict[str, Any]) -> str:
    """``arm64/v8``, ``windows-amd64``: the processor, and the system where it is not Linux."""
    words = [str(told.get(key, "")) for key in ("os", "architecture", "variant")]
    before = f"{words[0]}-" if words[0] not in ("", "linux") else ""
    return before + "/".join(filter(None, words[1:]))


def _blob(layout: ImageLayout, digest: object) -> str:
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise MalformedImage(what=f"{digest!r} is no digest", path=layout.path)
    return f"blobs/{digest.replace(':', '/', 1)}"
