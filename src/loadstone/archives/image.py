"""Images of containers as ``docker save``, podman and skopeo write them: layers, put one on another.

Sources: OCI image specification, "Image Layout" and "Image Layer Filesystem Changeset" (white-outs); Docker image
specification v1.2. The layers are read from the top down: what an upper one has or hides is not seen below it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import IO, Final

from loadstone.archives import tar
from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.layout import FolderLayout, ImageLayout, PackedLayout, images_of, layers_of
from loadstone.archives.member import PackedFile

__all__ = ["image_members", "is_image", "is_manifest", "manifest_members", "tar_or_image"]

_REMOVED, _OPAQUE = ".wh.", ".wh..wh..opq"
_LOOKED_AT: Final = 4096
"""Members among which the documents of an image stand at the latest."""


def is_image(stream: IO[bytes], path: str, budget: UnpackBudget) -> bool:
    """Whether a tar archive is an image: it says so in a document of its own."""
    names = set()
    for number, member in enumerate(PackedLayout(stream, path, budget).members()):
        names.add(member.name)
        if member.name in ("manifest.json", "oci-layout") or number > _LOOKED_AT:
            break
        if not member.name.startswith("blobs") and not _is_of_docker(member.name):
            return False
    return bool(names & {"manifest.json", "oci-layout"})


def _is_of_docker(name: str) -> bool:
    """Whether a member is one that docker save writes: ``ID/layer.tar``, ``ID.json``, ``repositories`` ..."""
    first, _, rest = name.partition("/")
    return rest in ("layer.tar", "json", "VERSION") or first.endswith(".json") or name == "repositories"


def tar_or_image(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files of container images, or those of a tar archive that is none."""
    reading = image_members if is_image(stream, path, UnpackBudget(path, budget.bounds)) else tar.members
    stream.seek(0)
    return reading(stream, path, budget)


def image_members(stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files of an archive's image as a container started from it would see them; of several each below its name."""
    layout = PackedLayout(stream, path, budget)
    images = images_of(layout)
    for position, image in enumerate(images):
        called = " ".join(filter(None, (image.name or f"image {position + 1}", image.system)))
        for member in _seen(layout, image.layers, path, budget):
            if len(images) > 1:
                member.name, member.path = f"{called}!/{member.name}", f"{path}!/{called}!/{member.name}"
            yield member


def manifest_members(_stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files of the image whose manifest ``path`` is, in a layout that is a folder."""
    folder, blob = path.rsplit("/blobs/", 1)
    layout = FolderLayout(folder)
    return _seen(layout, layers_of(layout, f"blobs/{blob}"), path, budget)


def is_manifest(head: bytes, path: str) -> bool:
    """Whether a file is the manifest of an image, among the blobs of a layout that is a folder."""
    return head[:1] == b"{" and b'"layers"' in head and _AMONG_BLOBS.search(path) is not None


_AMONG_BLOBS: Final = re.compile(r"/blobs/[a-z0-9+._-]+/[0-9a-f]{32,}$")


def _seen(layout: ImageLayout, layers: tuple[str, ...], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    """The files that layers show, one put on another, the lowest first."""
    hidden = _Hidden()
    for layer in reversed(layers):
        with layout.opened(layer) as content:
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
