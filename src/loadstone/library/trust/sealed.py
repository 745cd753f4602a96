"""The pinned load: the very bytes that were hashed are the ones that get mapped, and nobody can change them.

What a path leads to can change between a check and a load, and even the file behind an open descriptor can be
overwritten (CWE-367). So the file is copied once into anonymous memory; the chunks that are written are the chunks that
are hashed; the copy is sealed, parsed, compared with the pin, and only then given to the loader, through a private
directory of symbolic links to the sealed copies. Through that directory ``$ORIGIN`` and pinned dependencies resolve to
verified copies too, and each load has a path no load had before (the loader compares names before files).

What is left: a process of the same user that may trace this one; LD_PRELOAD and LD_AUDIT, which act before; data files
that a library looks for next to itself. Sources: memfd_create(2), fcntl(2) "File Sealing", mount(8) "noexec".
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from loadstone.binary.cursor import Cursor
from loadstone.binary.readers import read
from loadstone.core.host import is_noexec
from loadstone.core.image import Image, ImageSymbol
from loadstone.core.limits import MAX_FILE_SIZE
from loadstone.errors import NotVerified, Unreadable, Unsupported
from loadstone.files import FileId, FileStamp, file_id
from loadstone.library.adapters.base import BASE_NAMESPACE, Adapter, Opened, SystemRefused
from loadstone.library.adapters.system_call import system_call
from loadstone.library.trust.companions import Companion, companions
from loadstone.library.trust.policy import Assurance
from loadstone.library.trust.preflight import Footprint, footprint_of
from loadstone.quick_dataclass import dataclass

if TYPE_CHECKING:
    from loadstone.library.trust.pin_file import PinFile

__all__ = ["Sealed", "SealedSource", "seal"]

_CHUNK: Final = 1 << 20
_F_ADD_SEALS: Final = 1033  # linux/fcntl.h; the module has no name for it everywhere
_SEALS: Final = 0x1 | 0x2 | 0x4 | 0x8  # F_SEAL_SEAL, SHRINK, GROW, WRITE
_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)  # type: ignore[attr-defined,unused-ignore]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A verified copy in memory. ``descriptor`` belongs to the caller, who must close it."""

    path: str  # the file it was copied from
    file: FileId
    descriptor: int
    sha256: str
    image: Image
    footprint: Footprint

    @property
    def link(self) -> str:
        """What a symbolic link to the copy must say."""
        return f"/proc/self/fd/{self.descriptor}"


def seal(path: str, expected: str) -> Sealed:
    """Copy, seal, parse and compare.

    Args:
        path: the file.
        expected: its SHA-256 digest, hexadecimal; empty to take whatever it has.

    Raises:
        NotVerified: it has another digest, or lies on a file system mounted noexec.
        Unreadable: it cannot be read.
        MalformedImage: the verified bytes are no whole image.
        Unsupported: this system has no sealed memory files.
    """
    if not hasattr(os, "memfd_create"):
        raise Unsupported(
            feature="a pinned load",
            reason="this system has no memory files that can be sealed (memfd_create)",
            advice="keep the file where only trusted owners can write, and use Policy(require_owner=...)",
        )
    try:
        source = os.open(path, _OPEN)
    except OSError as error:
        raise Unreadable(path=path, reason=error.strerror or str(error), code=error.errno) from error
    with ExitStack() as undo:
        undo.callback(os.close, source)
        status = os.fstat(source)
        _check_source(path, source, status)
        copy = os.memfd_create(os.path.basename(path)[:200], os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)  # type: ignore[attr-defined,unused-ignore]
        keep = undo.enter_context(ExitStack())
        keep.callback(os.close, copy)
        digest = _copied(path, source, copy)
        fcntl.fcntl(copy, _F_ADD_SEALS, _SEALS)  # type: ignore[attr-defined,unused-ignore]
        if expected and digest != expected:
            raise NotVerified(
                path=path,
                requirement="its SHA-256 digest must be the pinned one",
                expected=expected,
                actual=digest,
                advice="if the change was intended, pin it again: `loadstone pin`",
            )
        inside = f"/proc/self/fd/{copy}"
        image = read(inside)
        with Cursor.open(inside) as cursor:
            room = footprint_of(cursor)
        keep.pop_all()
        return Sealed(path, file_id(status), copy, digest, image, room)


def _check_source(path: str, descriptor: int, status: os.stat_result) -> None:
    with Cursor.open(path):  # refuses directories, FIFOs, devices with the words for each
        pass
    if status.st_size > MAX_FILE_SIZE:
        raise Unreadable(path=path, reason=f"{status.st_size} bytes are more than the {MAX_FILE_SIZE} allowed")
    if is_noexec(descriptor):
        raise NotVerified(
            path=path,
            requirement="its file system must allow execution",
            actual="mounted noexec",
            advice="a copy in memory would go round that decision of the administrator; install the library elsewhere",
        )


def _copied(path: str, source: int, copy: int) -> str:
    """Copy everything and return the digest of exactly what was written."""
    digest = hashlib.sha256()
    total = 0
    try:
        while chunk := os.read(source, _CHUNK):
            digest.update(chunk)
            total += len(chunk)
            if total > MAX_FILE_SIZE:
                break
            view = memoryview(chunk)
            while view:
                view = view[os.write(copy, view) :]
    except OSError as error:
        raise Unreadable(path=path, reason=error.strerror or str(error), code=error.errno) from error
    if total > MAX_FILE_SIZE:
        raise Unreadable(path=path, reason="it grows while it is read")
    return digest.hexdigest()


class SealedSource:
    """A library loaded from a sealed copy, together with sealed copies of what is pinned with it.

    Everything is copied and verified anew for each load. ``unverified`` names what the library needs and nothing
    vouches for: unpinned dependencies, and libraries that were in the process before.
    """

    __slots__ = (
        "_adapter",
        "_copy",
        "_expected",
        "_image",
        "_pins",
        "footprint",
        "namespace",
        "path",
        "stamp",
        "unverified",
    )

    assurance = Assurance.SEALED

    def __init__(
        self,
        path: str,
        expected: str,
        pins: PinFile | None,
        adapter: Adapter,
        stamp: FileStamp,
        namespace: int = BASE_NAMESPACE,
    ) -> None:
        self.path: str = path
        self.stamp: FileStamp = stamp
        self.namespace: int = namespace
        self.footprint: Footprint = Footprint()
        self.unverified: tuple[str, ...] = ()
        self._expected = expected
        self._pins = pins
        self._adapter = adapter
        self._image: Image | None = None
        self._copy: FileId | None = None

    @contextmanager
    def prepared(self) -> Iterator[str]:
        """A private directory (0700, random name) with a link to each copy, removed when the load is over.

        Dependencies are opened first, so that the loader finds them loaded under the names the library needs; they are
        given back at the end, when the library itself holds them.
        """
        with ExitStack() as undo:
            sealed = seal(self.path, self._expected)
            undo.callback(os.close, sealed.descriptor)
            directory = tempfile.mkdtemp(prefix="loadstone-sealed-")
            undo.callback(shutil.rmtree, directory, ignore_errors=True)
            self._image, self.footprint = sealed.image, sealed.footprint
            self._copy = file_id(os.fstat(sealed.descriptor))
            unverified = []
            for need in companions(sealed.image, self.path, self._pins, self._adapter):
                if need.pin is None:
                    unverified.append(need.name)
                if need.path:
                    undo.callback(self._adapter.close, self._opened(need, directory, undo))
            self.unverified = tuple(unverified)
            yield _linked(directory, os.path.basename(self.path), sealed)

    def _opened(self, need: Companion, directory: str, undo: ExitStack) -> Opened:
        """A dependency, opened before the library that needs it: a sealed copy when it is pinned."""
        target = need.path
        if need.pin is not None:
            copy = seal(need.path, need.pin)
            undo.callback(os.close, copy.descriptor)
            target = _linked(directory, need.name, copy)
        try:
            with system_call:
                return self._adapter.open(target, 0, self.namespace)
        except SystemRefused as refused:
            raise SystemRefused(f"{need.path}: {refused.text}", refused.code) from None

    def confirm(self, opened: Opened) -> None:
        """Refuse when the address space shows another file where the copy should be."""
        mapped = mapped_file(opened.anchor)
        if mapped != self._copy:
            raise NotVerified(
                path=self.path,
                requirement="the verified copy must be what is mapped",
                expected=str(self._copy),
                actual=str(mapped),
                advice="another library of that name was loaded before; unload it first",
            )

    def respelled(self) -> str:
        """Never needed: every load has a path of its own."""
        raise NotVerified(path=self.path, requirement="the verified copy must be what is mapped")

    def exports_named(self, name: str, provider: str | None) -> tuple[ImageSymbol, ...]:
        """The exports of that name, from the verified bytes."""
        image = self._image if provider is None else None
        return tuple(s for s in image.symbols.named(name) if s.exported) if image else ()

    def exported_names(self) -> tuple[str, ...]:
        """Every exported name, from the verified bytes."""
        return tuple(s.name for s in self._image.exports) if self._image else ()


def _linked(directory: str, name: str, sealed: Sealed) -> str:
    link = os.path.join(directory, name)
    os.symlink(sealed.link, link)
    return link


def mapped_file(address: int) -> FileId | None:
    """The file that is mapped at an address of this process. Source: proc_pid_maps(5)."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            extent, _, _, device, inode = line.split(maxsplit=5)[:5]
            first, _, last = extent.partition("-")
            if int(first, 16) <= address < int(last, 16):
                major, _, minor = device.partition(":")
                return os.makedev(int(major, 16), int(minor, 16)), int(inode)  # type: ignore[attr-defined,unused-ignore]
    return None
