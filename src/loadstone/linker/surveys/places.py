"""What a survey is asked about: a folder, a folder of another root, an archive; and the libraries in it."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from typing import Final

from loadstone.archives import SEPARATOR, UnpackBudget, walk
from loadstone.binary import FileKind, identify
from loadstone.core.image import Format, Image, ImageKind
from loadstone.errors import LoadstoneError, MalformedImage, NotFound, Unreadable
from loadstone.files import open_regular
from loadstone.linker.discovery import of_view
from loadstone.linker.openers import Tags
from loadstone.linker.request import LoaderModel
from loadstone.linker.survey_target import archive_format, inside, root_of
from loadstone.linker.surveys.appdirs import is_appdir, library_path
from loadstone.linker.surveys.layers import LayeredFiles
from loadstone.linker.surveys.packed import BINARIES, PackedFiles, Stored, packed
from loadstone.linker.surveys.requirements import bringing, requirements_of
from loadstone.linker.windows_packages import WindowsPackages, may_make_known
from loadstone.quick_dataclass import dataclass, replace

__all__ = ["NotALibrary", "SurveyPlace", "SurveyedLibrary", "place_of"]

_METADATA: Final = re.compile(r"[^/]+\.dist-info/METADATA")
_KERNEL_MODULE: Final = re.compile(r"\.ko(\.(gz|xz|zst))?$")
_IMAGES: Final = frozenset(("tar archive", "container image"))
_INSTALLED: Final = frozenset(("Debian package", "RPM package", "Alpine package"))
_LIBRARY_NAME: Final = re.compile(r"(?:\.so(?:\.\d+)*|\.(dll|pyd|dylib))$", re.IGNORECASE)
_FORMATS: Final = {"dll": Format.PE, "pyd": Format.PE, "dylib": Format.MACHO}
_SPOILED: Final = frozenset((FileKind.EMPTY, FileKind.LFS_POINTER, FileKind.HTML, FileKind.JSON))
"""What is left of a library whose download or checkout failed; other text may be a linker script, or a name."""
_PROGRAMS: Final = frozenset((ImageKind.EXECUTABLE, ImageKind.PIE))
_NO_LIBRARIES: Final = _PROGRAMS | {ImageKind.OBJECT, ImageKind.CORE}


@dataclass(frozen=True, slots=True)
class SurveyedLibrary:
    """A library of a place: the path it is opened by, what it is called there, and its image where it has one."""

    path: str
    name: str
    image: Image


@dataclass(frozen=True, slots=True)
class NotALibrary:
    """A file whose name says that it is a library and whose content is none: empty, a pointer, cut off, closed."""

    path: str
    name: str
    format: Format


@dataclass(frozen=True, slots=True)
class SurveyPlace:
    """Where libraries are looked for: as it was named, the model whose view holds it, and the folder in that view."""

    target: str
    model: LoaderModel
    folder: str
    tags: Tags
    archive: PackedFiles | None = None
    is_system: bool = False  # an image with a loader of its own
    has_programs: bool = False  # that are asked about as its libraries are: an AppImage is there to start one
    is_of_programs: bool = False  # it has no library

    def label(self, found: SurveyedLibrary | NotALibrary) -> str:
        """Where a library comes from, in words: ``X.whl!/pkg/lib.so``, ``site/pkg/lib.so``."""
        joint = "!/" if self.archive is not None else "/"
        return f"{self.target.rstrip('/')}{joint}{found.name}"

    def libraries(self) -> Iterator[SurveyedLibrary]:
        """Every library of the place that can be read, in the order of the folders' names."""
        return (found for found in self.files() if isinstance(found, SurveyedLibrary))

    def files(self) -> Iterator[SurveyedLibrary | NotALibrary]:
        """Every library of the place, and what has the name of one, in the order of the folders' names."""
        for path, name in self._candidates():
            try:
                image = self.model.view.image(self.model.view.open(path))
            except (OSError, LoadstoneError):
                said = _named_format(name)
                if said is not None:
                    yield NotALibrary(path, name, said)
                continue
            if image.kind not in self._left_out() or _is_called_library(name):
                yield SurveyedLibrary(path, name, image)

    def or_its_programs(self) -> SurveyPlace:
        """The place itself, or where it has no library, as one whose programs are asked about."""
        if self.has_programs or next(self.files(), None) is not None:
            return self
        return replace(self, has_programs=True, is_of_programs=True)

    def has_kernel_modules(self) -> bool:
        """Whether it holds modules of the Linux kernel, which no dynamic loader loads; a wheel is not asked."""
        if self.tags.is_wheel:
            return False
        if self.archive is not None:
            return any(map(_is_kernel_module, self.archive.files))
        walked = os.walk(self.model.view.host_path(self.folder))
        return any(_is_kernel_module(leaf) for _, _, names in walked for leaf in names)

    def brings(self, library: str) -> str:
        """The distribution that a wheel requires and that brings a library which it lacks; empty for all else."""
        is_held = self.archive is not None and any(posixpath.basename(name) == library for name in self.archive.files)
        if self.archive is None or not self.tags.is_wheel or is_held:
            return ""
        about = next((name for name in self.archive.files if _METADATA.fullmatch(name)), None)
        text = self._text(self.archive.place, about) if about is not None else b""
        return bringing(requirements_of(text), library, self.model)

    def _left_out(self) -> frozenset[ImageKind]:
        return _NO_LIBRARIES - _PROGRAMS if self.has_programs else _NO_LIBRARIES

    def windows_packages(self) -> WindowsPackages:
        """What Windows would see of the place: the folders of its DLLs, and whether it is for Python."""
        names = list(self.archive.files) if self.archive is not None else self._walked_names()
        folders = {posixpath.dirname(name) for name in names if name.casefold().endswith(".dll")}
        root = self.archive.place if self.archive is not None else self.folder
        paths = tuple(posixpath.join(f"{root}/", folder) for folder in sorted(folders))
        is_for_python = self.tags.is_wheel or any(n.casefold().endswith(".pyd") for n in names)
        texts = [self._text(root, name) for name in names if may_make_known(name)]
        return WindowsPackages.of(paths, texts, is_for_python=is_for_python)

    def _text(self, root: str, name: str) -> bytes:
        try:
            return self.model.view.read_bytes(posixpath.join(f"{root}/", name))
        except OSError:
            return b""

    def _walked_names(self) -> list[str]:
        host = self.model.view.host_path(self.folder)
        return [
            os.path.relpath(os.path.join(place, leaf), host).replace(os.sep, "/")
            for place, _, names in os.walk(host)
            for leaf in names
            if leaf.casefold().endswith((".dll", ".pyd", ".py"))
        ]

    def _candidates(self) -> Iterator[tuple[str, str]]:
        """The path and the name of every file that is binary, or that is called a library and spoiled."""
        if self.archive is not None:
            for name, entry in sorted(self.archive.files.items()):
                if isinstance(entry, Stored) and _may_be_library(entry.head, name):
                    entry.parsed.get()  # where the archive is damaged or a bomb, this raises
                    yield f"{self.archive.place}/{name}", name
            return
        host = self.model.view.host_path(self.folder)
        for place, folders, names in os.walk(host):
            folders.sort()
            for leaf in sorted(names):
                there = os.path.join(place, leaf)
                if _is_candidate(there):
                    name = os.path.relpath(there, host)
                    yield posixpath.join(self.folder, name), name


def place_of(target: str, model: LoaderModel) -> SurveyPlace:
    """The place a target names, archives read.

    Raises:
        Unreadable: the folder or archive cannot be read.
        MalformedImage, TooLarge, Unsupported: as :func:`loadstone.archives.walk`.
    """
    if root_of(model) != "/" and (os.path.isdir(target) or not os.path.exists(target)):
        folder = inside(target, model)
        if model.view.is_directory(folder):
            raise Unreadable(
                path=target, reason=f"there is no folder {folder} in {root_of(model)}", advice="paths are inside --root"
            )
        return SurveyPlace(folder, model, folder, Tags())
    path = os.path.abspath(target)
    if os.path.isdir(path):
        is_app = is_appdir(model.view, path)
        return SurveyPlace(target, _started(model, path) if is_app else model, path, Tags(), has_programs=is_app)
    return _archive(target, path, model)


def _archive(target: str, path: str, model: LoaderModel) -> SurveyPlace:
    name = archive_format(path)
    if name is None and not os.path.exists(path):
        raise Unreadable(path=target, reason="No such file or directory", code=2)
    if name is None and path.endswith(".whl"):
        raise MalformedImage(what="not a wheel: it is not a ZIP archive", path=target)
    tags = Tags.of(os.path.basename(path))
    is_installed = name in _INSTALLED
    files = packed("" if is_installed else f"{path}!", walk(path, path=target))
    if _has_loader(files):
        whole = replace(files, place="")
        try:
            return SurveyPlace(target, of_view(whole), "/", tags, whole, is_system=True)
        except NotFound:  # a loader of no system that is known
            pass
    alone = _image_without_loader(files) if _is_one_image(name, path, files) else None
    if alone is not None:
        return SurveyPlace(target, alone, "/", tags, replace(files, place=""), is_system=True, has_programs=True)
    layered = replace(model, view=LayeredFiles(files, model.view))
    is_app = bool(files.place) and is_appdir(files, files.place)
    seen = _started(layered, files.place) if is_app else layered
    return SurveyPlace(target, seen, files.place, tags, files, has_programs=is_app)


def _is_one_image(kind: str | None, path: str, files: PackedFiles) -> bool:
    """Whether an archive is the image of one container; of several, each file is below its image's name."""
    from loadstone.archives.image import is_image  # noqa: PLC0415 - a tar archive alone may be one

    if kind not in _IMAGES or all(SEPARATOR in name for name in files.files):
        return False
    with open(path, "rb", opener=open_regular) as stream:
        return kind == "container image" or is_image(stream, path, UnpackBudget(path))


def _image_without_loader(files: PackedFiles) -> LoaderModel | None:
    """The system of an image whose programs ask for a loader that it may lack: nothing else is in its container."""
    whole = replace(files, place="")
    programs = (
        name
        for name, entry in sorted(files.files.items())
        if isinstance(entry, Stored) and entry.head[:4] == b"\x7fELF"
    )
    for name in programs:
        try:
            asks = whole.image(whole.open(f"/{name}")).interpreter
        except (OSError, LoadstoneError):
            continue
        if asks:
            return of_view(whole, target=f"/{name}")
    return None


def _started(model: LoaderModel, place: str) -> LoaderModel:
    """The surroundings that the AppRun of an AppImage, unpacked or not, makes for what it starts."""
    folders = library_path(model.view, place)
    if not folders:
        return model
    before = model.variable("LD_LIBRARY_PATH")
    env = dict(model.env) | {"LD_LIBRARY_PATH": ":".join((*folders, *([before] if before else ())))}
    said = f"AppRun sets LD_LIBRARY_PATH to {', '.join(folder.removeprefix(place) for folder in folders)}"
    return replace(model, env=tuple(sorted(env.items())), assumptions=(*model.assumptions, said))


def _has_loader(files: PackedFiles) -> bool:
    """Whether an archive is a whole system: it has a loader where programs look for one."""
    leaves = {name for folder in ("lib", "lib64", "usr/lib", "usr/lib64") for name in files.folders.get(folder, ())}
    return any(name.startswith(("ld-linux", "ld-musl-")) for name in leaves) and "bin" in files.folders.get("usr", ())


def _is_called_library(name: str) -> bool:
    """Whether a file's name says that it is a library, whatever its header says: a C library can be run as well."""
    return ".so" in posixpath.basename(name) and not name.endswith(".o")


def _is_kernel_module(name: str) -> bool:
    return _KERNEL_MODULE.search(name) is not None


def _named_format(name: str) -> Format | None:
    """The format that a file's name says its library has; None for a name of anything else."""
    found = _LIBRARY_NAME.search(name)
    return None if found is None else _FORMATS.get((found[1] or "").casefold(), Format.ELF)


def _may_be_library(head: bytes, name: str) -> bool:
    kind = identify(head).kind
    return kind in BINARIES or (kind in _SPOILED and _named_format(name) is not None)


def _is_candidate(path: str) -> bool:
    try:
        if os.path.islink(path) or not os.path.isfile(path):
            return False
        with open(path, "rb", opener=open_regular) as stream:
            return _may_be_library(stream.read(512), path)
    except OSError:
        return _named_format(path) is not None
