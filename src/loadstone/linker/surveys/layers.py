"""File systems laid over each other: an archive's files below one folder, or over a whole system."""

from __future__ import annotations

import posixpath

from loadstone.core.image import Image
from loadstone.linker.access import Barrier
from loadstone.linker.surveys.packed import PackedFiles
from loadstone.linker.view import FileView, OpenedFile
from loadstone.quick_dataclass import dataclass

__all__ = ["LayeredFiles"]


@dataclass(frozen=True, slots=True, eq=False)
class LayeredFiles:
    """``top`` answers for what it has, ``below`` for everything else.

    A top with a place of its own answers for all below that place. One without is laid over the system, as a package
    that is installed there: where its folders are links there, they are followed first.
    """

    top: PackedFiles
    below: FileView

    def _of(self, path: str) -> tuple[FileView, str]:
        if self.top.place:
            return (self.top if f"{path}/".startswith(f"{self.top.place}/") else self.below), path
        if self.top.exists(path):
            return self.top, path
        folder, leaf = posixpath.split(path)
        try:
            real = posixpath.join(self.below.real_path(folder), leaf)
        except OSError:
            return self.below, path
        return (self.top, real) if real != path and self.top.exists(real) else (self.below, path)

    def open(self, path: str) -> OpenedFile:
        view, there = self._of(path)
        return view.open(there)

    def is_directory(self, path: str) -> int:
        view, there = self._of(path)
        return view.is_directory(there)

    def image(self, opened: OpenedFile) -> Image:
        view, _ = self._of(opened.path)
        return view.image(opened)

    def images(self, opened: OpenedFile) -> tuple[Image, ...]:
        view, _ = self._of(opened.path)
        return view.images(opened)

    def read_bytes(self, path: str) -> bytes:
        view, there = self._of(path)
        return view.read_bytes(there)

    def real_path(self, path: str) -> str:
        view, there = self._of(path)
        return view.real_path(there)

    def names(self, directory: str) -> tuple[str, ...]:
        if self.top.place:
            return self._of(directory)[0].names(directory)
        found: set[str] = set()
        for view in (self.top, self.below):
            if not view.is_directory(directory):
                found.update(view.names(directory))
        return tuple(sorted(found)) or self.below.names(directory)

    def exists(self, path: str) -> bool:
        view, there = self._of(path)
        return view.exists(there)

    def is_executable_mount(self, opened: OpenedFile) -> bool:
        return self._of(opened.path)[0].is_executable_mount(opened)

    def barrier(self, path: str) -> Barrier | None:
        view, there = self._of(path)
        return view.barrier(there)

    def gains_privileges(self, opened: OpenedFile) -> bool:
        return self._of(opened.path)[0].gains_privileges(opened)

    def host_path(self, path: str) -> str:
        view, there = self._of(path)
        return view.host_path(there)
