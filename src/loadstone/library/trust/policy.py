"""What a load insists on: digests, owners, permissions, places, and where a name may be searched for."""

from __future__ import annotations

import re
from enum import StrEnum

from loadstone.core.host import effective_user
from loadstone.errors import InvalidName
from loadstone.quick_dataclass import dataclass

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from typing import Final

    from loadstone.library.trust.pin_file import PinFile

__all__ = ["Assurance", "Policy", "SearchPolicy", "SearchSource"]

_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}\Z")


class SearchSource(StrEnum):
    """One named place where a bare name is looked for. None of them is ever the current directory."""

    ALREADY_LOADED = "already-loaded"  # libraries mapped in this process, by the name they were opened by
    EXPLICIT = "explicit"  # the directories of SearchPolicy.dirs
    PACKAGE = "package"  # libraries bundled in wheels: <package>.libs, <package>/lib, <package>/.libs, <package>
    ENVIRONMENT = "environment"  # LD_LIBRARY_PATH and the program's own RPATH; DYLD_LIBRARY_PATH; never PATH
    PREFIX = "prefix"  # lib of the active conda or virtual environment
    SYSTEM_CACHE = "system-cache"  # ld.so.cache
    DEFAULT_DIRS = "default-dirs"  # built into the loader
    PACKAGE_MANAGER = "package-manager"  # Homebrew and MacPorts


@dataclass(frozen=True, slots=True)
class SearchPolicy:
    """The sources to ask, in order; ``dirs`` and ``packages`` say what EXPLICIT and PACKAGE mean.

    A directory that everybody may write to is passed over unless it is one of ``dirs`` (CWE-427). ``packages`` names
    installed Python distributions or import packages; with none, PACKAGE is skipped.
    """

    sources: tuple[SearchSource, ...] = tuple(SearchSource)
    dirs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @classmethod
    def of(cls, *sources: SearchSource) -> SearchPolicy:
        """Only these, in this order."""
        return cls(sources)


class Assurance(StrEnum):
    """How sure it is that the code that runs is the code that was checked."""

    SEALED = "sealed"  # the very bytes that were hashed are mapped, and nobody can change them
    PATH_TRUSTED = "path-trusted"  # only trusted owners can change the file, or any directory on the way to it
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policy:
    """What must hold before any code of a library runs.

    Args:
        sha256: hexadecimal digest; the library is loaded from a sealed copy of the bytes that have it.
        pins: a pin file; every library loaded must be pinned in it, and so must what it needs.
        trusted_dirs: the file, links resolved, must lie below one of these.
        require_owner: user ids that alone may own the file and every directory on the way; group-writable files and
            directories are then refused as well.
        allow_writable: load files although everybody can write to them, or to a directory on the way to them.
        search: where bare names are looked for.

    Raises:
        InvalidName: ``sha256`` is no such digest.
    """

    sha256: str | None = None
    pins: PinFile | None = None
    trusted_dirs: tuple[str, ...] = ()
    require_owner: tuple[int, ...] | None = None
    allow_writable: bool = False
    search: SearchPolicy = SearchPolicy()

    def __post_init__(self) -> None:
        if self.sha256 is None:
            return
        digest = self.sha256.removeprefix("sha256:").lower()
        if not _SHA256.match(digest):
            raise InvalidName(name=self.sha256, reason="a SHA-256 digest has 64 hexadecimal digits")
        object.__setattr__(self, "sha256", digest)

    @classmethod
    def default(cls) -> Policy:
        """No digest; files that everybody can write to are refused."""
        return _DEFAULT

    @classmethod
    def strict(cls) -> Policy:
        """Only files that nobody but root and the current user can have put there."""
        return cls(require_owner=tuple({0, effective_user()}))


_DEFAULT: Final = Policy()
