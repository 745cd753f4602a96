"""Two file systems laid over each other: a made-up one below one folder, another everywhere else."""

from __future__ import annotations

from dataclasses import dataclass

from loadstone.core.image import Image
from loadstone.linker.access import Barrier
from loadstone.linker.view import FileView, OpenedFile, PretendedFiles

__all__ = ["LayeredFiles"]


@dataclass(frozen=True, slots=True, eq=False)
class LayeredFiles:
    """``top`` answers for what lies in ``place``, ``below`` for everything else."""

    top: PretendedFiles
    below: FileView
    place: str

    def _of(self, path: str) -> FileView:
        return self.top if path == self.place or path.startswith(f"{self.place}/") else self.below

    def open(self, path: str) -> OpenedFile:
        return self._of(path).open(path)

    def is_directory(self, path: str) -> int:
        return self._of(path).is_directory(path)

    def image(self, opened: OpenedFile) -> Image:
        return self._of(opened.path).image(opened)

    def images(self, opened: OpenedFile) -> tuple[Image, ...]:
        return self._of(opened.path).images(opened)

    def read_bytes(self, path: str) -> bytes:
        return self._of(path).read_bytes(path)

    def real_path(self, path: str) -> str:
        return self._of(path).real_path(path)

    def names(self, directory: str) -> tuple[str, ...]:
        return self._of(directory).names(directory)

    def exists(self, path: str) -> bool:
        return self._of(path).exists(path)

    def is_executable_mount(self, opened: OpenedFile) -> bool:
        return self._of(opened.path).is_executable_mount(opened)

    def barrier(self, path: str) -> Barrier | None:
        return self._of(path).barrier(path)

    def gains_privileges(self, opened: OpenedFile) -> bool:
        return self._of(opened.path).gains_privileges(opened)

    def host_path(self, path: str) -> str:
        return self._of(path).host_path(path)
