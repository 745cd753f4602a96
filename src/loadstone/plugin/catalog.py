"""A folder of plugins as an index by interface, built without loading any of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from loadstone.errors import LoadstoneError, Unreadable
from loadstone.files import FileStamp, file_stamp, open_regular
from loadstone.plugin.plugin import Plugin
from loadstone.quick_dataclass import dataclass

__all__ = ["Catalog", "Rejected", "catalog"]

_WORKERS = 4  # reading and hashing release the interpreter lock; parsing does not, so more would not help
_MAX_FILES = 100_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file of the folder that is no plugin, and why."""

    path: str
    error: LoadstoneError


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a folder holds: ``plugins`` with metadata, in path order, and the files ``rejected``, each with its error.

    Libraries without metadata are neither; they are listed in ``libraries``.
    """

    directory: str
    plugins: tuple[Plugin, ...] = ()
    libraries: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    @property
    def interfaces(self) -> tuple[str, ...]:
        """Every interface identifier in the folder, sorted."""
        return tuple(sorted({p.iid for p in self.plugins if p.iid}))

    def implementing(self, iid: str) -> tuple[Plugin, ...]:
        """The plugins of one interface, in path order."""
        return tuple(p for p in self.plugins if p.iid == iid)


def catalog(directory: str | os.PathLike[str], *, recursive: bool = True) -> Catalog:
    """Read the metadata of every plugin in a folder.

    Args:
        directory: the folder; a single file stands for a folder with nothing else in it. Symbolic links to files are
            followed, links to folders are not.
        recursive: whether folders inside it count too.

    Raises:
        Unreadable: there is no such folder or file.

    A file that vanishes or cannot be read meanwhile becomes a :class:`Rejected`. Files that were read before and have
    not changed since (device, inode, size, modification time in nanoseconds) are not read again by the same process.
    Thread-safe. Files that do not begin like a binary are passed over in silence: plugin folders hold other things too.
    """
    root = os.fspath(directory)
    if not os.path.exists(root):
        raise Unreadable(path=root, reason="no such folder", advice="give a folder that exists, or a file")
    plugins: list[Plugin] = []
    libraries: list[str] = []
    rejected: list[Rejected] = []
    with ThreadPoolExecutor(_WORKERS) as pool:
        for path, found in pool.map(_attempt, _files(root, recursive)):
            if isinstance(found, LoadstoneError):
                rejected.append(Rejected(path, found))
            elif found is not None and found.metadata is None:
                libraries.append(path)
            elif found is not None:
                plugins.append(found)
    return Catalog(root, tuple(plugins), tuple(libraries), tuple(rejected))


def _files(root: str, recursive: bool) -> Iterator[str]:
    if not os.path.isdir(root):
        yield root
        return
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(folders) if recursive else []
        for name in sorted(names):
            count += 1
            if count > _MAX_FILES:
                return
            yield os.path.join(folder, name)


_MAGICS = (b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe")


def _attempt(path: str) -> tuple[str, Plugin | LoadstoneError | None]:
    try:
        status = os.stat(path)
        return path, _remembered(path, file_stamp(status))
    except LoadstoneError as error:
        return path, error
    except OSError:
        return path, None  # gone between the listing and now


@lru_cache(maxsize=4096)
def _remembered(path: str, _stamp: FileStamp) -> Plugin | None:
    with open(path, "rb", buffering=0, opener=open_regular) as file:
        if not file.read(4).startswith(_MAGICS):
            return None
    return Plugin(path)
