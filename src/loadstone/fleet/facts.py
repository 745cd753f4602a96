"""What is in one file: its images, what the rules over binaries say of them, what it tells as a plugin.

A pure function of the bytes: no file system, no machine, no time, so that any worker anywhere gives the same rows.
"""

from __future__ import annotations

import hashlib

from loadstone.binary import FileKind, identify, images
from loadstone.core.claims import Claim, NotApplicable
from loadstone.core.image import Image
from loadstone.plugin.metadata import PluginMetadata, find_metadata
from loadstone.quick_dataclass import dataclass, replace
from loadstone.review.binary import PretendedPlaces, review_image

__all__ = ["FileFacts", "ImageFacts", "digest_of", "facts_of", "is_binary"]

_BINARIES = frozenset((FileKind.ELF, FileKind.PE, FileKind.MACHO, FileKind.UNIVERSAL))
_NOWHERE = PretendedPlaces({})


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


def is_binary(head: bytes) -> bool:
    """Whether a file that begins so is an ELF, PE or Mach-O image, or a universal file of them."""
    return identify(head).kind in _BINARIES


def digest_of(data: bytes) -> str:
    """The name of a file in the store: SHA-256, in hex."""
    return hashlib.sha256(data).hexdigest()


def facts_of(data: bytes, path: str, digest: str) -> FileFacts:
    """Everything that is kept about a file.

    Args:
        data: the whole file.
        path: what to call it in claims.
        digest: of the data, as :func:`digest_of` gives it.

    Raises:
        MalformedImage: it has no usable header.

    Pure and thread-safe; the same on every platform.
    """
    found = tuple(_image_facts(replace(image, path=path), data) for image in images(data))
    return FileFacts(digest, len(data), found)


def _image_facts(image: Image, data: bytes) -> ImageFacts:
    claims = tuple(claim for claim in review_image(image, _NOWHERE) if not isinstance(claim, NotApplicable))
    return ImageFacts(image, claims, find_metadata(image, data))
