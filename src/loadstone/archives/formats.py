"""The table of containers, how each is recognised, and the two ways to go through one."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import IO, Final

from loadstone.archives import tar
from loadstone.archives.bounds import Bounds, UnpackBudget
from loadstone.archives.compression import Plain, compression_of, decompressed
from loadstone.archives.held import Content
from loadstone.archives.member import PackedFile
from loadstone.errors import MalformedImage, Unreadable, Unsupported
from loadstone.files import open_regular
from loadstone.quick_dataclass import dataclass

__all__ = ["FORMATS", "ContainerFormat", "format_of", "is_archive", "members", "walk"]

_HEAD: Final = 4096

_Reading = Callable[[IO[bytes], str, UnpackBudget], Iterator[PackedFile]]
_Source = str | os.PathLike[str] | Content


@dataclass(frozen=True, slots=True)
class ContainerFormat:
    """A kind of container: its name, whether a file is one by its first bytes and its name, and what reads it."""

    name: str
    recognises: Callable[[bytes, str], bool]
    reader: tuple[str, str]
    """A module of this package and the function in it; imported when the first container of the kind is met."""

    def members(self, stream: IO[bytes], path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
        """The files and links of one container of this kind."""
        module, name = self.reader
        reading: _Reading = getattr(import_module(f"loadstone.archives.{module}"), name)
        return reading(stream, path, budget)


def _is_packed_tar(head: bytes, name: str) -> bool:
    """Whether a compressed file holds a tar archive, by what it begins with when unpacked."""
    if compression_of(head) is None:
        return tar.is_tar(head)
    try:
        begins = Plain(decompressed(io.BytesIO(head), UnpackBudget(name))).head(512)
    except (MalformedImage, Unsupported):
        return ".tar" in name or name.endswith((".tgz", ".txz", ".tbz2", ".apk"))
    return tar.is_tar(begins) or (len(begins) < 512 and ".tar" in name)


def _begins(*magics: bytes) -> Callable[[bytes, str], bool]:
    return lambda head, _name: head.startswith(magics)


def _is_conda(head: bytes, name: str) -> bool:
    return head.startswith(b"PK\x03\x04") and name.endswith(".conda")


def _is_appimage(head: bytes, _name: str) -> bool:
    """A program that says it is one, in bytes of its header that mean nothing else."""
    return head.startswith(b"\x7fELF") and head[8:11] in (b"AI\x01", b"AI\x02")


def _is_image_manifest(head: bytes, name: str) -> bool:
    if not head.startswith(b"{"):
        return False
    from loadstone.archives.image import is_manifest  # noqa: PLC0415 - few files begin so, and every start would pay

    return is_manifest(head, name)


FORMATS: Final = (
    ContainerFormat("conda package", _is_conda, ("zip", "conda_members")),
    ContainerFormat("ZIP archive", _begins(b"PK\x03\x04", b"PK\x05\x06"), ("zip", "members")),
    ContainerFormat("Debian package", _begins(b"!<arch>\ndebian-binary"), ("ar", "debian_members")),
    ContainerFormat("static library", _begins(b"!<arch>\n", b"!<thin>\n"), ("ar", "static_members")),
    ContainerFormat("RPM package", _begins(b"\xed\xab\xee\xdb"), ("cpio", "rpm_members")),
    ContainerFormat("AppImage", _is_appimage, ("appimage", "members")),
    ContainerFormat("SquashFS image", _begins(b"hsqs"), ("squashfs", "members")),
    ContainerFormat("Alpine package", _begins(b"ADB.", b"ADBd", b"ADBc"), ("alpine", "members")),
    ContainerFormat("container image", _is_image_manifest, ("image", "manifest_members")),
    ContainerFormat("tar archive", _is_packed_tar, ("image", "tar_or_image")),
)
"""Asked in this order; the first that recognises a file reads it."""


def format_of(head: bytes, name: str = "") -> ContainerFormat | None:
    """The kind of container a file is, from its first 4,096 bytes and its name; None for all else."""
    return next((known for known in FORMATS if known.recognises(head, name)), None)


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a container that :func:`members` knows; False for what cannot be read."""
    try:
        with open(path, "rb", opener=open_regular) as stream:
            return format_of(stream.read(_HEAD), os.fspath(path)) is not None
    except (OSError, Unreadable):
        return False


def members(
    source: str | os.PathLike[str] | Content, *, path: str = "", bounds: Bounds | None = None
) -> Iterator[PackedFile]:
    """The files and links of one container, in its order, each readable while it is the current one.

    Args:
        source: the path of a container, its bytes, or the descriptor of a file that is open and stays so.
        path: what to call it; its path when left out.
        bounds: how much it may make us do.

    Raises (while iterating):
        Unreadable: the file cannot be read.
        Unsupported: it is no container that is known, or one that cannot be looked into.
        MalformedImage: it contradicts itself.
        TooLarge: it is beyond the bounds.

    Thread-safe: each call reads for itself. The same on every platform.
    """
    named = path or (os.fspath(source) if not isinstance(source, (bytes, int)) else "the archive given")
    yield from _members(source, named, UnpackBudget(named, bounds))


def walk(
    source: str | os.PathLike[str] | Content, *, path: str = "", bounds: Bounds | None = None
) -> Iterator[PackedFile]:
    """As :func:`members`, and what is in the containers among them, in their place."""
    named = path or (os.fspath(source) if not isinstance(source, (bytes, int)) else "the archive given")
    budget = UnpackBudget(named, bounds)
    yield from _walk(source, named, budget, 1)


def _walk(
    source: str | os.PathLike[str] | Content, path: str, budget: UnpackBudget, depth: int
) -> Iterator[PackedFile]:
    budget.check_depth(depth)
    for member in _members(source, path, budget):
        nested = member.opener is not None and format_of(member.head(_HEAD), member.name)
        if not nested:
            yield member
            continue
        if member.size > budget.bounds.nested:
            raise budget.too_large(f"the archive {member.name} of {member.size:,} bytes within it")
        with member.held() as content:
            yield from (_below(inner, member.name) for inner in _walk(content, member.path, budget, depth + 1))


def _below(member: PackedFile, name: str) -> PackedFile:
    member.name = f"{name}!/{member.name}"
    return member


def _members(source: _Source, path: str, budget: UnpackBudget) -> Iterator[PackedFile]:
    with _opened(source) as stream:
        head = stream.read(_HEAD)
        stream.seek(0)
        found = format_of(head, path)
        if found is None:
            raise Unsupported(
                feature=f"looking into {path}", reason="it is not a known kind of archive", advice="unpack it first"
            )
        yield from found.members(stream, path, budget)


def _opened(source: _Source) -> IO[bytes]:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if isinstance(source, int):
        stream = os.fdopen(os.dup(source), "rb")
        stream.seek(0)
        return stream
    return open(source, "rb", opener=open_regular)
