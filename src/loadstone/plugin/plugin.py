"""A plugin file: what it says about itself, and a load that maps the very bytes which were looked at."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from loadstone.binary import read
from loadstone.binary.cursor import Cursor
from loadstone.core.image import Format, Image
from loadstone.errors import MalformedImage, NotVerified, Unreadable
from loadstone.plugin.cbor import Problem
from loadstone.plugin.instance import QT_FACTORY, Instance, instance_of
from loadstone.plugin.metadata import PluginMetadata, find_metadata
from loadstone.plugin.soundness import unsoundness
from loadstone.quick_dataclass import replace

if TYPE_CHECKING:
    from loadstone.library import Library, LoadHint

__all__ = ["MAX_PLUGIN_SIZE", "Plugin"]

MAX_PLUGIN_SIZE: Final = 64 << 20
"""Plugins beyond this are refused: they are read whole, so that what was checked is what is loaded (bytes)."""


class Plugin:
    """One plugin file, read once. Never loads anything until :meth:`load`.

    Args:
        path: the plugin, for any platform; only :meth:`load` needs it to be one of this machine's.

    Raises:
        Unreadable: the file cannot be read, or is larger than :data:`MAX_PLUGIN_SIZE`.
        MalformedImage: it is no ELF, PE or Mach-O file.

    A library without metadata is a Plugin whose ``metadata`` is None; damaged metadata is given as far as it goes, with
    ``problems``. Immutable after construction; safe to share between threads.
    """

    __slots__ = ("image", "metadata", "path", "sha256", "unsoundness")

    path: str
    image: Image
    metadata: PluginMetadata | None
    sha256: str
    unsoundness: tuple[Problem, ...]

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        content = _content(self.path)
        self.sha256 = hashlib.sha256(content).hexdigest()
        try:
            self.image = replace(read(content), path=self.path)
        except MalformedImage as error:  # the reader was given bytes, and so cannot say whose
            raise MalformedImage(what=error.what, offset=error.offset, path=self.path) from error
        self.metadata = find_metadata(self.image, content)
        self.unsoundness = tuple(unsoundness(self.image, content, self.metadata))

    def __repr__(self) -> str:
        return f"Plugin({self.path!r}, iid={self.iid!r})"

    @property
    def iid(self) -> str | None:
        """The interface it implements, or None."""
        return self.metadata.iid if self.metadata else None

    @property
    def class_name(self) -> str | None:
        return self.metadata.class_name if self.metadata else None

    @property
    def debug(self) -> bool | None:
        return self.metadata.debug if self.metadata else None

    @property
    def qt_version(self) -> tuple[int, int] | None:
        """(major, minor) of the Qt it was built with; None when it is not Qt's."""
        return self.metadata.qt_version if self.metadata else None

    @property
    def data(self) -> Mapping[str, Any]:
        """The author's own object: Qt's ``MetaData``."""
        return self.metadata.data if self.metadata else {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything wrong with the metadata, each with its offset; why there is none, if there is none."""
        if self.metadata is None:
            return (Problem("no plugin metadata in any note or section", 0),)
        return self.metadata.problems

    def check(
        self, *, iid: str | None = None, qt_version: tuple[int, int] | None = None, debug: bool | None = None
    ) -> None:
        """Refuse a plugin that a host of this kind must not load.

        Args:
            iid: the interface the host needs.
            qt_version: (major, minor) of the host's Qt; the rule is Qt's: same major, and a minor not above the host's.
            debug: whether the host is a debug build; on Windows the two kinds do not mix.

        Raises:
            NotVerified: and says which requirement is not met. A file that this machine's loader does not take whole,
                and damaged or ambiguous metadata, meet none.
        """
        if self.unsoundness:
            first = self.unsoundness[0]
            raise self._refused("the file must be sound, and for this machine", "no problems", _at(first))
        if self.problems:
            first = self.problems[0]
            raise self._refused("its metadata must be sound", "no problems", _at(first))
        if iid is not None and self.iid != iid:
            raise self._refused("it must implement the host's interface", iid, self.iid or "none")
        if qt_version is not None and self.qt_version is not None:
            (major, minor), (host_major, host_minor) = self.qt_version, qt_version
            if major != host_major or minor > host_minor:
                expected = f"Qt {host_major}.0 to {host_major}.{host_minor}"
                raise self._refused(
                    "it must be built for the host's Qt or an older minor", expected, f"{major}.{minor}"
                )

        if debug is not None and self.debug is not None and debug != self.debug and self.image.format is Format.PE:
            names = {True: "debug", False: "release"}
            raise self._refused("it must be built as the host is", names[debug], names[self.debug])

    def load(
        self, *, iid: str | None = None, qt_version: tuple[int, int] | None = None, hints: LoadHint | None = None
    ) -> Library:
        """Check, then load the very bytes that were read when this object was made.

        Arguments and refusals are those of :meth:`check`. The file may have been replaced since: then its digest
        differs and nothing is loaded.

        Raises:
            NotVerified: a check failed, or the file is not the one that was read.
            LoadFailed: the system refused it.
        """
        self.check(iid=iid, qt_version=qt_version)
        library = import_module("loadstone.library")  # reading metadata must not pull in the loader
        loaded: Library = library.Library(
            os.path.abspath(self.path),
            hints=library.LoadHint(0) if hints is None else hints,
            policy=library.Policy(sha256=self.sha256),
        )
        loaded.load()
        return loaded

    def instance(
        self,
        factory: str = QT_FACTORY,
        *,
        destroy: str | None = None,
        iid: str | None = None,
        qt_version: tuple[int, int] | None = None,
        hints: LoadHint | None = None,
    ) -> Instance:
        """Check, load and have the plugin's factory make its object, or get the one that somebody holds already.

        Args:
            factory: C declaration of a function without parameters that returns a pointer.
            destroy: C declaration of the function that takes that pointer when the instance ends; None: nothing is
                called, as for Qt, which destroys its root objects itself.
            iid: as for :meth:`check`.
            qt_version: as for :meth:`check`.
            hints: as for :class:`loadstone.Library`.

        Raises:
            LoadFailed: the factory gave NULL, or asked for the instance it was making; or the system refused.
            SymbolNotFound: there is no such function. The plugin's initialisers have run by then.
            Others: those of :meth:`load`.
        """
        self.check(iid=iid, qt_version=qt_version)
        return instance_of((os.path.realpath(self.path), self.sha256), lambda: self.load(hints=hints), factory, destroy)

    def _refused(self, requirement: str, expected: str, actual: str) -> NotVerified:
        return NotVerified(
            path=self.path,
            requirement=requirement,
            expected=expected,
            actual=actual,
            advice="`loadstone plugins` shows what the file says about itself",
        )


def _at(problem: Problem) -> str:
    return f"{problem.what} at offset {problem.offset:#x}"


def _content(path: str) -> bytes:
    with Cursor.open(path) as cursor:
        if cursor.size > MAX_PLUGIN_SIZE:
            raise Unreadable(path=path, reason=f"{cursor.size} bytes are more than the {MAX_PLUGIN_SIZE} that are read")
        return cursor.bytes(0, cursor.size)
