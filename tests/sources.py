"""Real sources of other projects: Debian's source packages, fetched once into a cache outside the repository.

``python -m tests.sources`` fetches all of them, from where the system has its packages from. One that cannot be had
skips the test loudly, and fails it in CI. The upstream version is pinned (Debian 12 has them), so that the lines a test
names stay where they are; the system's own package lists are not touched.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from tests.wheels import CACHE

__all__ = ["SOURCES", "Source", "one_at_a_time", "tree", "unpacked"]

_KEYS: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_TEXT: Final = frozenset({".c", ".cc", ".cpp", ".h", ".hpp", ".py"})


@dataclass(frozen=True, slots=True)
class Source:
    """A source package, the upstream version it must have, and the folders of it that are wanted."""

    package: str
    version: str
    folders: tuple[str, ...] = ("",)


SOURCES: Final = {
    "apr": Source("apr", "1.7.2"),
    "cpython": Source("python3.11", "3.11.2", ("Lib/ctypes", "Modules/_ctypes", "Python")),
    "glib": Source("glib2.0", "2.74.6"),
    "libltdl": Source("libtool", "2.4.7", ("libltdl",)),
    "lua": Source("lua5.4", "5.4.4"),
    "nginx": Source("nginx", "1.22.1"),
    "qt": Source("qtbase-opensource-src", "5.15.8+dfsg", ("src/corelib/plugin",)),
    "sdl2": Source("libsdl2", "2.26.5+dfsg"),
    "sqlite": Source("sqlite3", "3.40.1"),
}


def tree(name: str) -> Path:
    """The unpacked C, C++ and Python files of one of :data:`SOURCES`; fetched when they are not there yet."""
    return unpacked(SOURCES[name], name)


def unpacked(source: Source, name: str = "") -> Path:
    """The same of any source package, in a folder that is called after it unless a ``name`` is given."""
    folder = CACHE / "sources" / "trees" / f"{name or source.package}-{source.version}"
    with one_at_a_time():
        if folder.is_dir():
            return folder
        archive = _archive(source)
        said = "" if archive else _fetch(source)
        archive = archive or _archive(source)
        if archive is None:
            message = f"the source of {source.package} {source.version} cannot be had: {said}"
            from tests.tools import unavailable  # not above: benchmarks fetch as well, without a test runner

            unavailable("Debian's source packages", message)
        _unpack(archive, source.folders, folder)
    return folder


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Test processes share the cache: while one fetches or unpacks, the others wait, and then find it done."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _archive(source: Source) -> Path | None:
    found = (CACHE / "sources").glob(f"{source.package}_{source.version}.orig.tar.*")
    return next((path for path in found if path.suffix != ".asc"), None)


def _unpack(archive: Path, folders: tuple[str, ...], target: Path) -> None:
    """Only whole trees are ever seen: it is unpacked beside its place and moved there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch, tarfile.open(archive) as packed:
        whole = Path(scratch) / target.name
        for member in packed:
            path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            wanted = any(path.is_relative_to(folder) for folder in folders)
            if wanted and member.isfile() and path.suffix in _TEXT:
                member.name = str(path)
                packed.extract(member, whole, filter="data")
        whole.rename(target)


def _fetch(source: Source) -> str:
    """Ask apt, with lists of its own; its last words when it could not."""
    apt = shutil.which("apt-get")
    if apt is None:
        return "there is no apt-get"
    state = CACHE / "apt"
    for folder in (CACHE / "sources", state / "lists" / "partial", state / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    listed = state / "sources.list"
    options = {
        "Dir::Etc::sourcelist": listed,
        "Dir::Etc::sourceparts": "/nonexistent",
        "Dir::State::lists": state / "lists",
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
    }
    ask = [apt, "-qq", *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]
    try:
        listed.write_text(_source_entries(apt))
        _run([*ask, "update"])
        return _run([*ask, "source", "--download-only", "--tar-only", source.package])
    except subprocess.TimeoutExpired:
        return "apt-get did not finish within 600 s"


def _source_entries(apt: str) -> str:
    """Entries for the source packages of the places that the system's own packages come from."""
    asked = [apt, "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=600).stdout
    places = sorted({line for line in found.splitlines() if line.endswith(" main")})
    return "".join(f"deb-src [signed-by={_KEYS}] {place}\n" for place in places)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, cwd=CACHE / "sources")
    return (done.stderr.strip().splitlines() or ["apt-get said nothing"])[-1]


if __name__ == "__main__":
    for wanted in SOURCES:
        print(tree(wanted))
