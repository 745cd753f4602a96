"""Content of a path of this machine or of an address that fsspec knows, never more of it than was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import IO, Any, Final

from loadstone.archives.held import Content, held
from loadstone.errors import Unreadable
from loadstone.files import open_regular
from loadstone.fleet.extra import needed_for
from loadstone.fleet.inputs import is_remote

__all__ = ["fetched", "file_system", "read_all"]

_PIECE: Final = 1 << 20


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


def fetched(address: str, size: int, most: int) -> AbstractContextManager[Content]:
    """The content of an address, of about ``size`` bytes and no more than ``most``. Raises as :func:`read_all`."""

    def write(out: IO[bytes]) -> None:
        left = most
        for piece in _pieces(address):
            left -= len(piece)
            if left < 0:
                raise Unreadable(path=address, reason=f"it has more than {most:,} bytes")
            out.write(piece)

    return held(size, write, address)


def _pieces(address: str) -> Iterator[bytes]:
    system, path = file_system(address)
    try:
        with system.open(path, "rb") as stream:
            while piece := stream.read(_PIECE):
                yield piece
    except OSError as error:
        raise Unreadable(path=address, reason=error.strerror or str(error), code=error.errno) from error


def file_system(location: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it."""
    core = needed_for("reading an object store", "fsspec.core")
    try:
        system, path = core.url_to_fs(location)
    except (ValueError, ImportError) as error:
        raise Unreadable(path=location, reason=str(error), advice="install the package that fsspec names") from error
    return system, path
