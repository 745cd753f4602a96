"""Images of containers as ``docker save``, podman and skopeo write them: a tar archive of layers, put one on another.

Sources: OCI image specification, "Image Layout" and "Image Layer Filesystem Changeset" (white-outs); Docker image
specification v1.2. The layers are read from the top down: what an upper one has or hides is not seen below it.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from typing import IO, Any, Final

from loadstone.archives import tar
from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.member import PackedFile, Reader
from loadstone.errors import MalformedImage

__all__ = ["image_members", "is_image", "tar_or_image"]

_MANIFEST, _INDEX = "manifest.json", "index.json"
_MAX_DOCUMENT: Final = 8 << 20
_MAX_LAYERS: Final = 512
_REMOVED, _OPAQUE = ".wh.", ".wh..wh..opq"
_LOOKED_AT: Final = 4096
"""Members among which the documents of an image stand at the latest."""


def is_image(stream: IO[bytes], path: str, budget: UnpackBudget) -> bool:
    """Whether a tar archive is an image: it says so in a document of its own."""
    names = set()
    for number, member in enumerate(_outer(stream, path, budget)):
        names.add(member.name)
        if member.name in (_MANIFEST, "oci-layout") or number > _LOOKED_AT:
            break
        if not member.name.startswith("blobs") and not _is_of_docker(member.name):
            return False
    return bool(names & {_MANIFEST, "oci-layout"})


def _is_of_docker(name: str) -> bool:
    """Whether a member is one that docker save writes: ``ID/layer.tar``, ``ID.json``, ``repositories`` ..."""
    first, _, rest = name.partition("/")
    return rest in ("layer.tar", "json", "VERSION") or first.endswith(".json") or name == "repositories"


def tar_or_image(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files of a container image, or those of a tar archive that is none."""
    reading = image_members if is_image(stream, path, UnpackBudget(path, budget.bounds)) else tar.members
    stream.seek(0)
    return reading(stream, path, budget)


def image_members(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files of an image as a container started from it would see them."""
    hidden = _Hidden()
    for layer in reversed(_layers(stream, path, budget)):
        content = _opened(stream, layer, path, budget)
        for member in tar.members(content, path, budget):
            folder, leaf = posixpath.split(member.name)
            if leaf == _OPAQUE:
                hidden.removed_below(folder)
            elif leaf.startswith(_REMOVED):
                hidden.removed(posixpath.join(folder, leaf[len(_REMOVED) :]))
            elif hidden.shows(member.name):
                yield member
        hidden.next_layer()


class _Hidden:
    """What upper layers have or take away. What a layer takes away is taken from those below it only."""

    def __init__(self) -> None:
        self._gone: set[str] = set()
        self._emptied: set[str] = set()
        self._seen: set[str] = set()
        self._new: list[tuple[set[str], str]] = []

    def removed(self, name: str) -> None:
        self._new.append((self._gone, name))

    def removed_below(self, folder: str) -> None:
        self._new.append((self._emptied, folder))

    def shows(self, name: str) -> bool:
        """Whether a member of the layer at hand is seen; then it hides the same name further down."""
        if name in self._seen or name in self._gone or "" in self._emptied:
            return False
        above = posixpath.dirname(name)
        while above:
            if above in self._gone or above in self._emptied or above in self._seen:
                return False
            above = posixpath.dirname(above)
        self._new.append((self._seen, name))
        return True

    def next_layer(self) -> None:
        for kept, name in self._new:
            kept.add(name)
        self._new.clear()


def _outer(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    stream.seek(0)
    return tar.members(stream, path, budget)


def _opened(stream: IO[bytes], name: str, path: str, budget: UnpackBudget) -> Reader:
    """The content of one member of the outer archive, by its name or through a link to another layer."""
    wanted = name
    for _ in range(2):
        for member in _outer(stream, path, budget):
            if member.name == wanted:
                if member.opener is not None:
                    return member.opener()
                link = member.same_as or posixpath.normpath(
                    posixpath.join(posixpath.dirname(wanted), member.link or "")
                )
                wanted = link
                break
    raise MalformedImage(what=f"the image names {name} and does not have it", path=path)


def _document(stream: IO[bytes], name: str, path: str, budget: UnpackBudget) -> Any:
    for member in _outer(stream, path, budget):
        if member.name == name:
            if member.size > _MAX_DOCUMENT:
                break
            try:
                return json.loads(member.read())
            except (ValueError, RecursionError) as error:
                raise MalformedImage(what=f"{name} is not a JSON document", path=path) from error
    return None


def _layers(stream: IO[bytes], path: str, budget: UnpackBudget) -> list[str]:
    """The layers of the first image, lowest first, as names of the outer archive."""
    try:
        listed = _document(stream, _MANIFEST, path, budget)
        if isinstance(listed, list) and listed:
            names = [str(name) for name in listed[0]["Layers"]]
        else:
            manifest = _document(stream, _INDEX, path, budget)
            for _ in range(4):  # an index may lead to an index
                if "layers" in manifest:
                    break
                manifest = _document(stream, _blob(manifest["manifests"][0]["digest"]), path, budget)
            names = [_blob(layer["digest"]) for layer in manifest["layers"]]
    except (KeyError, IndexError, TypeError) as error:
        raise MalformedImage(what=f"the image's documents lack {error}", path=path) from error
    if len(names) > _MAX_LAYERS:
        raise MalformedImage(what=f"an image of {len(names)} layers", path=path)
    return names


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
