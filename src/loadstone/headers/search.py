"""Where ``#include`` finds a header, in GCC's order. Reads directories and files, runs nothing.

A quoted name is looked for beside the including file first, then as one in angle brackets: in the directories given,
then in the system's. Source: GCC's manual, "Search Path".
"""

from __future__ import annotations

import glob
import os
import platform
import sys
from collections.abc import Sequence

from loadstone.core.limits import MAX_HEADER_FILE
from loadstone.errors import Unreadable
from loadstone.quick_dataclass import dataclass, field

__all__ = ["FoundHeader", "IncludePath", "system_directories"]


@dataclass(frozen=True, slots=True)
class FoundHeader:
    """A header and the directory of the path that had it, empty for none."""

    path: str
    directory: str
    system: bool = False


def system_directories() -> tuple[str, ...]:
    """Where this system's compiler looks, those that exist."""
    if sys.platform == "win32":
        return tuple(d for d in os.environ.get("INCLUDE", "").split(";") if d)
    multiarch = getattr(sys.implementation, "_multiarch", "") or f"{platform.machine()}-linux-gnu"
    wanted = ("/usr/local/include", f"/usr/include/{multiarch}", "/usr/include", "/opt/homebrew/include")
    return tuple(d for d in (*wanted, *_of_the_compiler(multiarch)) if os.path.isdir(d))


def _of_the_compiler(multiarch: str) -> tuple[str, ...]:
    """Where the newest GCC keeps headers of its own: unwind.h, omp.h, quadmath.h. Those of C are always ours."""
    found = glob.glob(f"/usr/lib/gcc/{multiarch}/*/include")
    versions = [d for d in found if d.split("/")[-2].isdecimal()]
    return tuple(sorted(versions, key=lambda d: int(d.split("/")[-2]))[-1:])


@dataclass(slots=True)
class IncludePath:
    """The directories given and the system's; ``main`` is the header all began with, empty for a text.

    Args:
        directories: as of ``-I``, in order.
        main: the path of the first header.
        system: the system's directories.
    """

    directories: Sequence[str] = ()
    main: str = ""
    system: Sequence[str] = field(default_factory=system_directories)

    def find(
        self, name: str, current: FoundHeader | None, *, quoted: bool, beside: str, after: bool = False
    ) -> FoundHeader | None:
        """The first file of that name; ``after`` goes on behind the directory that had the current file."""
        if os.path.isabs(name):
            return FoundHeader(name, "") if os.path.isfile(name) else None
        if quoted and not after and (os.path.dirname(beside) or current is None):
            near = os.path.join(os.path.dirname(beside), name)
            if os.path.isfile(near):
                return FoundHeader(near, current.directory if current else "")
        places = [*self.directories, *self.system]
        if after and current is not None and current.directory in places:
            places = places[places.index(current.directory) + 1 :]
        for directory in places:
            path = os.path.join(directory, name)
            if os.path.isfile(path):
                return FoundHeader(path, directory, system=directory in self.system)
        return None

    def is_own(self, path: str) -> bool:
        """Whether a header belongs to the first one: it lies beside or below it, in a directory of its own."""
        home = os.path.dirname(self.main)
        general = {os.path.normpath(d) for d in self.system} | {""}
        home = os.path.normpath(home) if home else ""
        return home not in general and os.path.normpath(path).startswith(home + os.sep)

    def text(self, path: str) -> str:
        """The file's text; bytes that are no UTF-8 can only be in comments and strings, and are kept as they can.

        Raises:
            Unreadable: it cannot be read, or is larger than any header.
        """
        try:
            with open(path, "rb") as file:
                content = file.read(MAX_HEADER_FILE + 1)
        except OSError as error:
            raise Unreadable(path=path, reason=error.strerror or str(error), code=error.errno) from error
        if len(content) > MAX_HEADER_FILE:
            raise Unreadable(path=path, reason=f"it is larger than {MAX_HEADER_FILE} bytes")
        return content.decode("utf-8", "surrogateescape")
