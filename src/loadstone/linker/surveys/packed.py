"""An archive as a file system: its binaries parsed once, everything else by name only.

Where the archive is a file that can be entered anywhere (ZIP), a binary is read when it is first asked for; a stream
is read once, and its binaries while they pass.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import IO, Final

from loadstone.archives import PackedFile
from loadstone.archives.held import Content, held
from loadstone.binary import FileKind, identify, images
from loadstone.binary.deferred import Deferred
from loadstone.core.image import Image
from loadstone.errors import LoadstoneError, MalformedImage
from loadstone.linker.access import Barrier
from loadstone.linker.links import followed
from loadstone.linker.surveys.appdirs import may_set_path
from loadstone.linker.view import HEAD_SIZE, OpenedFile
from loadstone.linker.windows_packages import may_make_known
from loadstone.quick_dataclass import dataclass, field

__all__ = ["BINARIES", "PackedFiles", "Stored", "packed"]

BINARIES: Final = frozenset((FileKind.ELF, FileKind.PE, FileKind.MACHO, FileKind.UNIVERSAL))

_SPREAD: Final = re.compile(r"^[^/]+\.data/(?:platlib|purelib)/")
_MAX_TEXT: Final = 1 << 20
_WHOLE: Final = ("ld-linux", "ld-musl-", "ld-2.", "libc.so.6", "libc-2.")
"""Beginnings of the names of loaders and C libraries, whose bytes say which release they are."""

_TEXTS: Final = ("/etc/ld.so.cache", "/etc/ld.so.preload", "/pyvenv.cfg", "/WHEEL", ".dist-info/METADATA", ".path")


Parsed = tuple[Image, ...] | LoadstoneError
"""The images of a file, or why it has none."""

_NO_BINARY: Final[Deferred[Parsed]] = Deferred(tuple)


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of the archive as far as it is kept: its head, its images or why there are none, its bytes if small."""

    size: int
    head: bytes
    parsed: Deferred[Parsed] = _NO_BINARY
    content: bytes | None = None
    mode: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PackedFiles:
    """The files of an archive below ``place``, an absolute path that need not exist; links lead about inside it.

    ``place`` is where its root is seen: ``/x/a.whl!`` for what is only looked at in itself, empty for what would be
    laid over a system.
    """

    place: str
    files: Mapping[str, Stored | str]
    folders: Mapping[str, tuple[str, ...]] = field(repr=False)

    def _resolve(self, path: str) -> str:
        """The key of a path, its symbolic links followed; the key may be of nothing."""
        return followed(self._inside(path), self._target)

    def _target(self, key: str) -> str | None:
        entry = self.files.get(key)
        return entry if isinstance(entry, str) else None

    def _inside(self, path: str) -> str:
        return path.removeprefix(self.place)

    def open(self, path: str) -> OpenedFile:
        key = self._resolve(path)
        entry = self.files.get(key)
        number = hash((self.place, key))
        if isinstance(entry, Stored):
            return OpenedFile(path, (-1, number), entry.size, entry.head, (number, entry.size, id(self)))
        if key in self.folders:
            return OpenedFile(path, (-1, number), 0, b"", is_regular=False, read_error=errno.EISDIR)
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    def is_directory(self, path: str) -> int:
        try:
            key = self._resolve(path)
        except OSError as error:
            return error.errno or errno.EIO
        return 0 if key in self.folders else errno.ENOTDIR if key in self.files else errno.ENOENT

    def images(self, opened: OpenedFile) -> tuple[Image, ...]:
        entry = self.files.get(self._resolve(opened.path))
        if not isinstance(entry, Stored):
            raise MalformedImage(what="there is no such file", path=opened.path)
        parsed = entry.parsed.get()
        if isinstance(parsed, LoadstoneError):
            raise parsed
        if not parsed:
            found = identify(entry.head)
            raise MalformedImage(what=f"not a binary, but {found.sentence}", path=opened.path, advice=found.advice)
        return parsed

    def image(self, opened: OpenedFile) -> Image:
        return self.images(opened)[0]

    def read_bytes(self, path: str) -> bytes:
        entry = self.files.get(self._resolve(path))
        if not isinstance(entry, Stored):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return entry.content if entry.content is not None else entry.head

    def real_path(self, path: str) -> str:
        return f"{self.place}/{self._resolve(path)}"

    def names(self, directory: str) -> tuple[str, ...]:
        found = self.folders.get(self._resolve(directory))
        if found is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), directory)
        return found

    def exists(self, path: str) -> bool:
        try:
            key = self._resolve(path)
        except OSError:
            return False
        return key in self.files or key in self.folders

    def is_executable_mount(self, opened: OpenedFile) -> bool:  # noqa: ARG002  an archive is mounted nowhere
        return True

    def barrier(self, path: str) -> Barrier | None:  # noqa: ARG002  whoever unpacks it may read it
        return None

    def gains_privileges(self, opened: OpenedFile) -> bool:
        entry = self.files.get(self._resolve(opened.path))
        return isinstance(entry, Stored) and bool(entry.mode & (stat.S_ISUID | stat.S_ISGID))

    def host_path(self, path: str) -> str:
        return path


def packed(place: str, members: Iterable[PackedFile]) -> PackedFiles:
    """Read an archive's members once, in their order, and keep what a loader would ask of them.

    What a wheel has for the top of site-packages (``X.data/platlib``, PEP 427) is seen where pip puts it.
    """
    files: dict[str, Stored | str] = {}
    for member in members:
        if place.endswith(".whl!"):
            member.name = _SPREAD.sub("", member.name)
        if member.link is not None:
            files[member.name] = member.link
        elif member.same_as is not None:
            files[member.name] = files.get(member.same_as, f"/{member.same_as}")
        else:
            files[member.name] = _stored(member)
    return PackedFiles(place, files, _folders(files))


def _stored(member: PackedFile) -> Stored:
    if member.opener is None or not member.size:
        return Stored(member.size, b"")
    head = member.head(HEAD_SIZE)
    name = posixpath.basename(member.name)
    if identify(head).kind in BINARIES:
        is_kept = name.startswith(_WHOLE) or may_set_path(member.name)
        if member.again is not None and not is_kept:
            later = partial(_anew, member.size, member.again, name)
            return Stored(member.size, head, Deferred(later), None, member.mode)
        kept = member.read() if is_kept else None
        with nullcontext(kept) if kept is not None else member.held() as content:
            parsed = _parsed(content)
        return Stored(member.size, head, Deferred(lambda: parsed), kept, member.mode)
    is_text = may_make_known(member.name) or may_set_path(member.name) or f"/{member.name}".endswith(_TEXTS)
    return Stored(member.size, head, content=member.read() if is_text and member.size <= _MAX_TEXT else None)


def _anew(size: int, again: Callable[[IO[bytes]], None], name: str) -> Parsed:
    """The images of what is read when it is asked for; what cannot be read is a fault of the archive, and raised."""
    with held(size, again, name) as content:
        return _parsed(content)


def _parsed(content: Content) -> Parsed:
    try:
        return images(content)
    except LoadstoneError as error:
        return error


def _folders(files: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Every directory the names imply, with what is in it."""
    found: dict[str, set[str]] = {"": set()}
    for name in files:
        below = name
        while below:
            folder, _, leaf = below.rpartition("/")
            known = folder in found and leaf in found[folder]
            found.setdefault(folder, set()).add(leaf)
            if known:
                break
            below = folder
    return {folder: tuple(sorted(leaves)) for folder, leaves in found.items()}
