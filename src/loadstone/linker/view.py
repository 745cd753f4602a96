"""The file system as a loader sees it: the real one, one rooted in a folder, or one made up for a test.

The only place of the package that asks which platform this is. Nothing here writes, and nothing is opened that could
block or act: devices and FIFOs are recognised before they are read.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Hashable, Iterator, Mapping
from functools import lru_cache
from typing import Final, Protocol

from loadstone.binary import images, read
from loadstone.core.host import (
    READ_FLAGS,
    effective_group,
    effective_groups,
    effective_user,
    extended_attributes,
    is_noexec,
    kernel,
)
from loadstone.core.image import Image
from loadstone.core.limits import MAX_NAME_LENGTH
from loadstone.files import FileId, file_id, file_stamp, open_regular
from loadstone.linker.access import Barrier, barrier, groups_of
from loadstone.linker.links import MAX_LINKS, followed
from loadstone.quick_dataclass import dataclass, field

__all__ = [
    "HEAD_SIZE",
    "FileView",
    "HostFiles",
    "OpenedFile",
    "PretendedFiles",
    "forget_images",
    "host_kernel",
    "host_platform",
]

HEAD_SIZE: Final = 832
"""Bytes glibc reads at first from a 64-bit candidate (elf/dl-load.c, struct filebuf)."""

_MAX_TEXT: Final = 128 << 20
"""Bytes of a configuration file: the cache of a large system has some 300 kB, a list of Debian's packages 50 MB."""

_IMAGES_KEPT: Final = 512


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file that could be opened for reading, as it was then. ``stamp`` changes when its content does."""

    path: str
    file_id: FileId
    size: int
    head: bytes
    stamp: tuple[int, ...] = ()
    is_regular: bool = True
    read_error: int = 0  # errno of read(2): EISDIR for a directory
    set_user_id: bool = False


class FileView(Hashable, Protocol):
    """What a simulated loader may ask of files. Every path is absolute; errors are OSError with an errno."""

    def open(self, path: str) -> OpenedFile: ...
    def is_directory(self, path: str) -> int:
        """0 when ``path`` is a directory, else the errno a loader's stat would leave (ENOTDIR for another file)."""
        ...

    def image(self, opened: OpenedFile) -> Image:
        """What is in an opened file; raises MalformedImage or Unreadable."""
        ...

    def images(self, opened: OpenedFile) -> tuple[Image, ...]:
        """Every image of an opened file, of a universal one all its slices; raises as :meth:`image`."""
        ...

    def read_bytes(self, path: str) -> bytes: ...
    def real_path(self, path: str) -> str: ...
    def names(self, directory: str) -> tuple[str, ...]: ...
    def exists(self, path: str) -> bool: ...
    def is_executable_mount(self, opened: OpenedFile) -> bool: ...
    def gains_privileges(self, opened: OpenedFile) -> bool:
        """Whether a program started from it may do more than its user: set-user-ID, set-group-ID, capabilities."""
        ...

    def barrier(self, path: str) -> Barrier | None:
        """What keeps the user from reading ``path``, as far as can be seen; None when nothing does."""
        ...

    def host_path(self, path: str) -> str:
        """Where ``path`` is for tools of this machine; the path itself when there is no such place."""
        ...


def host_platform() -> str:
    """``linux``, ``darwin``, ``win32`` ...: the platform this process runs on."""
    return sys.platform


def host_kernel() -> tuple[int, ...]:
    """The release of the running Linux kernel, three numbers; () elsewhere, or when it does not begin with numbers."""
    if host_platform() != "linux":
        return ()
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", kernel())
    return tuple(int(part) for part in found.groups("0")) if found else ()


def _os_error(code: int, path: str) -> OSError:
    return OSError(code, os.strerror(code), path)


@dataclass(frozen=True, slots=True)
class _Place:
    """A file to read, known by what it is and not by the path it happens to be reached by."""

    stamp: tuple[int, ...]
    host_path: str = field(compare=False)


@lru_cache(maxsize=_IMAGES_KEPT)
def _image(place: _Place) -> Image:
    return read(place.host_path)


@lru_cache(maxsize=_IMAGES_KEPT)
def _slices(place: _Place) -> tuple[Image, ...]:
    return images(place.host_path)


def forget_images() -> None:
    """Let go of the images of this machine's files, which are kept for the next question. For who reads thousands."""
    _image.cache_clear()
    _slices.cache_clear()


@lru_cache(maxsize=4096)
def _head(host_path: str, stamp: tuple[int, ...]) -> tuple[bytes, int]:  # noqa: ARG001  the stamp is part of the key
    handle = os.open(host_path, READ_FLAGS)
    try:
        return os.read(handle, HEAD_SIZE), 0
    except OSError as error:
        return b"", error.errno or errno.EIO
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class HostFiles:
    """The files of this machine, or of a system unpacked below ``root``; as ``uid`` when that is given.

    With a root, absolute symbolic links lead to places below it, as they would after chroot(2). With a ``uid`` the
    permissions of every directory on the way below the root and of the file are weighed for that user: the bits and
    the access control lists; capabilities are not. Directories in ``noexec`` are taken as mounted noexec, beside those
    that are.
    """

    root: str = "/"
    uid: int | None = None
    noexec: tuple[str, ...] = ()

    def host_path(self, path: str) -> str:
        return path if self.root == "/" else self._below_root(path)

    def inside(self, path: str) -> str:
        """A path below the root that was given as it is seen from outside; every other path as it is.

        >>> HostFiles(root="/srv/root").inside("/srv/root/usr/lib/a.so")
        '/usr/lib/a.so'
        """
        top, there = os.path.abspath(self.root), os.path.abspath(path)
        if top == "/" or not f"{there}/".startswith(f"{top}/"):
            return path
        return f"/{os.path.relpath(there, top)}" if there != top else "/"

    def open(self, path: str) -> OpenedFile:
        _check_path(path)
        host = self.host_path(path)
        status = os.stat(host)
        self._check_access(host)
        stamp = file_stamp(status)
        plain = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
        head, error = _head(host, stamp) if plain else (b"", 0)
        return OpenedFile(
            path=path,
            file_id=file_id(status),
            size=status.st_size,
            head=head,
            stamp=stamp,
            is_regular=stat.S_ISREG(status.st_mode),
            read_error=error,
            set_user_id=bool(status.st_mode & stat.S_ISUID),
        )

    def is_directory(self, path: str) -> int:
        try:
            _check_path(path)
            status = os.stat(self.host_path(path))
        except OSError as error:
            return error.errno or errno.EIO
        return 0 if stat.S_ISDIR(status.st_mode) else errno.ENOTDIR

    def image(self, opened: OpenedFile) -> Image:
        return _image(_Place(opened.stamp, self.host_path(opened.path)))

    def images(self, opened: OpenedFile) -> tuple[Image, ...]:
        return _slices(_Place(opened.stamp, self.host_path(opened.path)))

    def read_bytes(self, path: str) -> bytes:
        with open(self.host_path(path), "rb", opener=open_regular) as stream:
            return stream.read(_MAX_TEXT)

    def real_path(self, path: str) -> str:
        if self.root == "/":
            return os.path.realpath(path)
        return "/" + os.path.relpath(self._below_root(path), self.root)

    def names(self, directory: str) -> tuple[str, ...]:
        return tuple(os.listdir(self.host_path(directory)))

    def exists(self, path: str) -> bool:
        try:
            return os.path.exists(self.host_path(path))
        except OSError:
            return False

    def is_executable_mount(self, opened: OpenedFile) -> bool:
        if self.noexec and opened.path.startswith(self.noexec):
            return False
        try:
            return not is_noexec(self.host_path(opened.path))
        except OSError:
            return True

    def barrier(self, path: str) -> Barrier | None:
        user = effective_user() if self.uid is None else self.uid
        groups = effective_groups() if self.uid is None else groups_of(user)
        try:
            return barrier(self.host_path(path), user, groups, top=self.root)
        except OSError:
            return None

    def gains_privileges(self, opened: OpenedFile) -> bool:
        host = self.host_path(opened.path)
        try:
            status = os.stat(host)
            capabilities = "security.capability" in extended_attributes(host)
        except OSError:
            return False
        user = effective_user() if self.uid is None else self.uid
        other_user = bool(status.st_mode & stat.S_ISUID) and status.st_uid != user
        other_group = bool(status.st_mode & stat.S_ISGID) and status.st_gid != effective_group()
        return other_user or other_group or (capabilities and user != 0)

    def _below_root(self, path: str) -> str:
        """The place of ``path`` below the root, its symbolic links followed inside the root."""
        root = self.root.rstrip("/")

        def target(place: str) -> str | None:
            try:
                return os.readlink(f"{root}/{place}")
            except OSError:  # no link, or not there: stat will say which
                return None

        place = followed(path, target)
        return f"{root}/{place}" if place else root or "/"

    def _check_access(self, host: str) -> None:
        """Raise EACCES when the user asked for may not read the file or pass a directory on the way to it."""
        if self.uid is None:
            closed = not os.access(host, os.R_OK)
        else:
            closed = barrier(host, self.uid, groups_of(self.uid), top=self.root) is not None
        if closed:
            raise _os_error(errno.EACCES, host)


def _check_path(path: str) -> None:
    if "\0" in path:
        raise _os_error(errno.ENOENT, path)
    if len(path) >= MAX_NAME_LENGTH:
        raise _os_error(errno.ENAMETOOLONG, path)


@dataclass(frozen=True, slots=True, eq=False)
class PretendedFiles:
    """A file system that exists only as a table: path to bytes, to ``-> target`` text, or to an errno.

    Directories are those the paths imply. Two paths are the same file only through a link.

    >>> files = PretendedFiles({"/lib/liba.so.1": "-> liba.so.1.2", "/lib/liba.so.1.2": b"not an image"})
    >>> files.open("/lib/liba.so.1").size
    12
    """

    files: Mapping[str, bytes | str | int]
    noexec: tuple[str, ...] = ()

    def _resolve(self, path: str) -> str:
        for _ in range(MAX_LINKS):
            path = os.path.normpath(path)
            for part in _prefixes(path):
                entry = self.files.get(part)
                if isinstance(entry, str):
                    target = os.path.join(os.path.dirname(part), entry.removeprefix("-> "))
                    path = target + path[len(part) :]
                    break
            else:
                return path
        raise _os_error(errno.ELOOP, path)

    def open(self, path: str) -> OpenedFile:
        real = self._resolve(path)
        entry = self.files.get(real)
        if isinstance(entry, int):
            raise _os_error(entry, path)
        number = hash(real)
        if isinstance(entry, bytes):
            return OpenedFile(path, (0, number), len(entry), entry[:HEAD_SIZE], (number, len(entry)))
        if self.is_directory(real) == 0:
            return OpenedFile(path, (0, number), 0, b"", is_regular=False, read_error=errno.EISDIR)
        raise _os_error(errno.ENOENT, path)

    def is_directory(self, path: str) -> int:
        try:
            real = self._resolve(path)
        except OSError as error:
            return error.errno or errno.EIO
        if real in self.files:
            return errno.ENOTDIR
        return 0 if real == "/" or any(name.startswith(real + "/") for name in self.files) else errno.ENOENT

    def image(self, opened: OpenedFile) -> Image:
        return read(self.read_bytes(opened.path))

    def images(self, opened: OpenedFile) -> tuple[Image, ...]:
        return images(self.read_bytes(opened.path))

    def read_bytes(self, path: str) -> bytes:
        entry = self.files.get(self._resolve(path))
        if not isinstance(entry, bytes):
            raise _os_error(errno.ENOENT, path)
        return entry

    def real_path(self, path: str) -> str:
        return self._resolve(path)

    def names(self, directory: str) -> tuple[str, ...]:
        prefix = self._resolve(directory).rstrip("/") + "/"
        return tuple(sorted({n[len(prefix) :].split("/")[0] for n in self.files if n.startswith(prefix)}))

    def exists(self, path: str) -> bool:
        try:
            self.open(path)
        except OSError:
            return False
        return True

    def is_executable_mount(self, opened: OpenedFile) -> bool:
        return not opened.path.startswith(self.noexec) if self.noexec else True

    def barrier(self, path: str) -> Barrier | None:  # noqa: ARG002  pretended files are open to all
        return None

    def gains_privileges(self, opened: OpenedFile) -> bool:  # noqa: ARG002  pretended files have no owner
        return False

    def host_path(self, path: str) -> str:
        return path


def _prefixes(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:count]) for count in range(2, len(parts) + 1))
