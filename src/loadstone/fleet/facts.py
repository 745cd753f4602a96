"""What is in one file: its images, what the rules over binaries say of them, what it tells as a plugin.

A pure function of the bytes: no file system, no machine, no time, so that any worker anywhere gives the same rows.
"""

from __future__ import annotations

import hashlib
import os
from typing import Final

from loadstone.archives.held import Content
from loadstone.binary import FileKind, identify, images
from loadstone.core.claims import Claim, NotApplicable
from loadstone.core.host import read_at
from loadstone.core.image import Image
from loadstone.plugin.metadata import PluginBytes, PluginMetadata, find_metadata
from loadstone.quick_dataclass import dataclass, replace
from loadstone.review.binary import PretendedPlaces, review_image

__all__ = ["FileFacts", "ImageFacts", "digest_of", "facts_of", "is_binary"]

_BINARIES = frozenset((FileKind.ELF, FileKind.PE, FileKind.MACHO, FileKind.UNIVERSAL))
_NOWHERE = PretendedPlaces({})
_AT_ONCE: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One image, the claims about it, and its plugin metadata where it has some."""

    image: Image
    claims: tuple[Claim, ...]
    plugin: PluginMetadata | None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One distinct file: the digest of its bytes, their number, and its images in order."""

    digest: str
    size: int
    images: tuple[ImageFacts, ...]


class _FileBytes:
    """The bytes of an open file, no more than a plugin may have to say at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __len__(self) -> int:
        return os.fstat(self._descriptor).st_size

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(len(self))
        return read_at(self._descriptor, min(max(stop - start, 0), _AT_ONCE), start)


def is_binary(head: bytes) -> bool:
    """Whether a file that begins so is an ELF, PE or Mach-O image, or a universal file of them."""
    return identify(head).kind in _BINARIES


def digest_of(content: Content) -> str:
    """The name of a file in the store: SHA-256, in hex."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with open(os.dup(content), "rb") as stream:
        stream.seek(0)
        return hashlib.file_digest(stream, "sha256").hexdigest()


def facts_of(content: Content, path: str, digest: str) -> FileFacts:
    """Everything that is kept about a file.

    Args:
        content: the whole file.
        path: what to call it in claims.
        digest: of the content, as :func:`digest_of` gives it.

    Raises:
        MalformedImage: it has no usable header.

    Pure and thread-safe; the same on every platform.
    """
    data = content if isinstance(content, bytes) else _FileBytes(content)
    found = tuple(_image_facts(replace(image, path=path), data) for image in images(content))
    return FileFacts(digest, len(data), found)


def _image_facts(image: Image, data: PluginBytes) -> ImageFacts:
    claims = tuple(claim for claim in review_image(image, _NOWHERE) if not isinstance(claim, NotApplicable))
    return ImageFacts(image, claims, find_metadata(image, data))
