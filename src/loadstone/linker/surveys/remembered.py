"""A file system that is asked each thing once: what thousands of loads look up is the same few folders and names."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Final, TypeVar

from loadstone.core.image import Image
from loadstone.linker.access import Barrier
from loadstone.linker.view import FileView, OpenedFile
from loadstone.quick_dataclass import dataclass, field

__all__ = ["RememberedFiles"]

_KEPT: Final = 1 << 15
"""Answers of one kind; when there are so many, all are let go of."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, eq=False)
class RememberedFiles:
    """``view`` as it was when each folder was first listed and each file first opened. Not thread-safe."""

    view: FileView
    _listed: dict[str, tuple[str, ...] | int] = field(default_factory=dict, init=False, repr=False)
    _opened: dict[str, OpenedFile | int] = field(default_factory=dict, init=False, repr=False)

    def open(self, path: str) -> OpenedFile:
        return _remembered(self._opened, path, self.view.open)

    def names(self, directory: str) -> tuple[str, ...]:
        return _remembered(self._listed, directory, self.view.names)

    def is_directory(self, path: str) -> int:
        return self.view.is_directory(path)

    def image(self, opened: OpenedFile) -> Image:
        return self.view.image(opened)

    def images(self, opened: OpenedFile) -> tuple[Image, ...]:
        return self.view.images(opened)

    def read_bytes(self, path: str) -> bytes:
        return self.view.read_bytes(path)

    def real_path(self, path: str) -> str:
        return self.view.real_path(path)

    def exists(self, path: str) -> bool:
        return self.view.exists(path)

    def is_executable_mount(self, opened: OpenedFile) -> bool:
        return self.view.is_executable_mount(opened)

    def barrier(self, path: str) -> Barrier | None:
        return self.view.barrier(path)

    def gains_privileges(self, opened: OpenedFile) -> bool:
        return self.view.gains_privileges(opened)

    def host_path(self, path: str) -> str:
        return self.view.host_path(path)


def _remembered(kept: dict[str, Answer | int], path: str, ask: Callable[[str], Answer]) -> Answer:
    """The answer of before, an error included; asked for now where there is none."""
    known = kept.get(path)
    if known is None:
        if len(kept) >= _KEPT:
            kept.clear()
        try:
            known = ask(path)
        except OSError as error:
            known = error.errno or errno.EIO
        kept[path] = known
    if isinstance(known, int):
        raise OSError(known, os.strerror(known), path)
    return known
