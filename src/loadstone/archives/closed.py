"""Containers that are recognised and cannot be looked into: what to do instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from loadstone.archives.bounds import UnpackBudget
from loadstone.archives.member import PackedFile
from loadstone.errors import Unsupported

__all__ = ["alpine_3", "appimage"]


def appimage(_stream: IO[bytes], path: str, _budget: UnpackBudget) -> Iterator[PackedFile]:
    """An AppImage: its files are in a SquashFS. Raises Unsupported."""
    raise Unsupported(
        feature=f"looking into the AppImage {path}",
        reason="its files are in a file system of their own (SquashFS) behind the program",
        advice=f"unpack it: {path} --appimage-extract, then ask about squashfs-root",
    )


def alpine_3(_stream: IO[bytes], path: str, _budget: UnpackBudget) -> Iterator[PackedFile]:
    """A package of Alpine's third format. Raises Unsupported."""
    raise Unsupported(
        feature=f"looking into the package {path}",
        reason="it is of the third format of apk (ADB)",
        advice=f"unpack it: apk extract --allow-untrusted {path}",
    )
