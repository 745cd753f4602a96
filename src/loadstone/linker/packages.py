"""Which package would bring a missing library, from the package database's own files; nothing is run.

Source: dpkg's database as deb-shlibs(5), deb-symbols(5) and dpkg-query(1) describe it: a list of files and a shlibs
file a package. A library of a package that is not installed is in none of them; then Debian's naming rule is followed
(Debian Policy 8.1), and only a name that the available list confirms is given. apt may keep its lists compressed
(apt.conf(5), Acquire::GzipIndexes).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from io import BufferedIOBase, BytesIO
from itertools import islice
from typing import Final

from loadstone.linker.abi import Abi
from loadstone.linker.debian_names import last_releases_with, package_names_of
from loadstone.linker.lz4 import Lz4Error, decompressed
from loadstone.linker.package_systems import system_of
from loadstone.linker.view import FileView

__all__ = [
    "apt_install",
    "has_other_files",
    "install_by_system",
    "lists_are_compressed",
    "of_older_releases",
    "of_plain_name",
    "owner_of",
    "package_of_missing",
]

_INFO: Final = "/var/lib/dpkg/info"
_LISTS: Final = "/var/lib/apt/lists"
_STATUS: Final = "/var/lib/dpkg/status"
_PIECE: Final = 1 << 20
_MAX_PIECES: Final = 512
_DAMAGE: Final = (OSError, EOFError, Lz4Error)
_PACKAGE: Final = re.compile(rb"^Package: (\S+)$", re.MULTILINE)
_OS_RELEASE: Final = "/etc/os-release"
_RELEASE: Final = re.compile(r"^ID=\"?(debian|ubuntu)\"?$", re.MULTILINE)
_VERSION_ID: Final = re.compile(r"^VERSION_ID=\"?(\d+(?:\.\d+)?)\"?$", re.MULTILINE)
_NATIVE: Final = re.compile(r"^Package: dpkg\n(?:[^\n]+\n){0,40}?Architecture: (\S+)$", re.MULTILINE)
_ARCHITECTURES: Final = {"x86-64": "amd64", "i386": "i386", "aarch64": "arm64", "arm": "armhf", "ppc64le": "ppc64el"}
"""Debian's names of architectures that differ from ours, or that are added to a system of another one."""


def package_of_missing(view: FileView, soname: str, *, compressed: bool = False) -> str | None:
    """The package that has ``soname``: one whose shlibs file names it, or one known to apt under the policy's name.

    ``compressed``: look into compressed lists too; Debian's main one takes some 0.6 s, once a process.
    Since Debian 13 and Ubuntu 24.04 some names end in ``t64``, for a time_t of 64 bits.
    """
    by_shlibs = _shlibs(view).get(soname)
    if by_shlibs:
        return by_shlibs
    known = (name for rule in package_names_of(soname) for name in (rule, f"{rule}t64"))
    return next((name for name in known if name in _available(view, compressed=compressed)), None)


def apt_install(view: FileView, package: str, abi: Abi) -> str:
    """The command for a package of Debian's: put back where it is installed, of an added architecture where need be."""
    own = _NATIVE.search(_text(view, _STATUS))
    wanted = _ARCHITECTURES.get(abi.name, own[1] if own else "")
    if own is not None and wanted != own[1]:
        return f"dpkg --add-architecture {wanted} && apt-get update && apt-get install {package}:{wanted}"
    installed = {f"{package}.list", f"{package}:{wanted}.list"}.intersection(_listing(view, _INFO))
    return f"apt install --reinstall {package}" if installed else f"apt install {package}"


def of_plain_name(view: FileView, name: str, abi: Abi, *, compressed: bool = False) -> str:
    """The command for a library that is asked for without its version, as compilers ask; empty for all other names."""
    stem = name.removesuffix(".so").lower().replace("_", "-")
    if not name.endswith(".so") or not view.exists(_STATUS) or system_of(view) is not None:
        return ""
    numbered = re.compile(rf"{re.escape(stem)}-?\d[\d.]*(?:t64)?")
    known = _available(view, compressed=compressed)
    found = sorted(filter(numbered.fullmatch, known), key=lambda package: (len(package), package))
    said = f"{name} without a version is for building, and of its -dev package"
    if found:
        return f"{apt_install(view, found[-1], abi)}: it has the library with its version; {said}"
    if any("_Packages" in n for n in _listing(view, _LISTS)):
        return ""
    return f"apt-get update && apt-cache search {shlex.quote(f'^{stem}-?[0-9]')} names the package; {said}"


def has_other_files(view: FileView, package: str, soname: str) -> bool:
    """Whether a package is installed and never had a library of that name: it need not be installed again."""
    lists = [f"{package}.list", *(f"{package}:{name}.list" for name in _ARCHITECTURES.values())]
    texts = [_text(view, f"{_INFO}/{name}") for name in lists if name in _listing(view, _INFO)]
    return bool(texts) and not any(line.endswith(f"/{soname}") for text in texts for line in text.splitlines())


def of_older_releases(view: FileView, soname: str) -> str:
    """Where the package of a library is from that this release of Debian or Ubuntu has no more; else empty."""
    name = next(iter(package_names_of(soname)), "")
    last = last_releases_with(name)
    if not last or system_of(view) is not None or not view.exists(_STATUS):
        return ""
    return f"this release has no {name} any more, {last} are the last: take the .deb from there (dpkg -i {name}_*.deb)"


def install_by_system(view: FileView, soname: str, abi: Abi) -> str:
    """The command by which a system would install the package of a library; empty when it has no way of its own.

    Images of Debian come without lists of packages: there the policy's name is all there is, and said to be
    unconfirmed.
    """
    system = system_of(view)
    if shlex.quote(soname) != soname:
        return ""  # no package has such a name in it, and the commands have quotes of their own
    if system is not None:
        return system.install.format(name=soname, bits="(64bit)" if abi.bits == 64 else "")
    system_name = _RELEASE.search(_text(view, _OS_RELEASE))
    is_ubuntu = system_name is not None and system_name[1] == "ubuntu"
    name = next(iter(package_names_of(soname, on_ubuntu=is_ubuntu)), None)
    if _has_moved_on(view, name):
        return of_older_releases(view, soname)
    if name is None or not view.exists(_STATUS) or any("_Packages" in n for n in _listing(view, _LISTS)):
        return ""
    command = apt_install(view, name, abi).removeprefix("apt ")
    update = command if command.startswith("dpkg") else f"apt-get update && apt-get {command}"
    return f"{update} (Debian's rule for its name: apt has no lists here to confirm it)"


def _has_moved_on(view: FileView, name: str | None) -> bool:
    """Whether a system is newer than the last release with a package, as its os-release tells."""
    system, number = _RELEASE.search(_text(view, _OS_RELEASE)), None
    releases = last_releases_with(name or "")
    if not releases or system is None:
        return False
    number = _VERSION_ID.search(_text(view, _OS_RELEASE))
    last = re.search(rf"{system[1]} ([\d.]+)", releases, re.IGNORECASE)
    return number is not None and (last is None or float(number[1]) > float(last[1]))


def lists_are_compressed(view: FileView) -> bool:
    """Whether a list of packages can be read only with the patience ``compressed`` asks for."""
    endings = tuple(f"_Packages{ending}" for ending in _READERS if ending)
    return any(name.endswith(endings) for name in _listing(view, _LISTS))


@lru_cache(maxsize=256)
def owner_of(view: FileView, path: str) -> str | None:
    """The installed package a file belongs to; as dpkg knows files under /lib and /usr/lib by one spelling only."""
    spellings = {path, path.removeprefix("/usr") if path.startswith("/usr/lib") else f"/usr{path}"}
    for name in _listing(view, _INFO):
        if not name.endswith(".list"):
            continue
        lines = _text(view, f"{_INFO}/{name}").split("\n")
        if spellings.intersection(lines):
            return name.removesuffix(".list").partition(":")[0]
    return None


def _listing(view: FileView, directory: str) -> tuple[str, ...]:
    try:
        return view.names(directory)
    except OSError:
        return ()


def _text(view: FileView, path: str) -> str:
    try:
        return view.read_bytes(path).decode("utf-8", "replace")
    except OSError:
        return ""


@lru_cache(maxsize=4)
def _shlibs(view: FileView) -> dict[str, str]:
    """SONAME to package, from every shlibs file: lines ``[type:] library version package ...``."""
    found: dict[str, str] = {}
    for name in _listing(view, _INFO):
        if not name.endswith(".shlibs"):
            continue
        for line in _text(view, f"{_INFO}/{name}").splitlines():
            words = line.split()
            if words and words[0].endswith(":"):
                words = words[1:]
            if len(words) > 2:
                library, version, package = words[:3]
                found.setdefault(f"{library}.so.{version}", package)
                found.setdefault(f"{library}-{version}.so", package)
    return found


@lru_cache(maxsize=4)
def _available(view: FileView, *, compressed: bool) -> frozenset[str]:
    """Every package name apt's lists or dpkg's status know."""
    found = set(_PACKAGE.findall(_text(view, _STATUS).encode()))
    for name in _listing(view, _LISTS):
        pieces = next((read for ending, read in _READERS.items() if name.endswith(f"_Packages{ending}")), None)
        if pieces is not None and (compressed or name.endswith("_Packages")):
            for text in _whole_lines(_read(view, f"{_LISTS}/{name}", pieces)):
                found.update(_PACKAGE.findall(text))
    return frozenset(name.decode("utf-8", "replace") for name in found)


def _read(view: FileView, path: str, pieces: Callable[[bytes], Iterator[bytes]]) -> Iterator[bytes]:
    """The content of a list as far as it can be read."""
    try:
        yield from pieces(view.read_bytes(path))
    except _DAMAGE:
        return


def _from_gzip(data: bytes) -> Iterator[bytes]:
    import gzip  # noqa: PLC0415  only an index of packages needs it
    import zlib  # noqa: PLC0415

    with suppress(zlib.error), gzip.GzipFile(fileobj=BytesIO(data)) as stream:
        yield from _pieces(stream)


def _from_xz(data: bytes) -> Iterator[bytes]:
    import lzma  # noqa: PLC0415

    with suppress(lzma.LZMAError), lzma.LZMAFile(BytesIO(data)) as stream:
        yield from _pieces(stream)


def _pieces(stream: BufferedIOBase) -> Iterator[bytes]:
    return islice(iter(partial(stream.read, _PIECE), b""), _MAX_PIECES)


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same text, cut where lines end."""
    rest = b""
    for piece in pieces:
        lines, newline, rest = (rest + piece).rpartition(b"\n")
        yield lines + newline
    yield rest


_READERS: Final[dict[str, Callable[[bytes], Iterator[bytes]]]] = {
    "": lambda data: iter((data,)),
    ".lz4": decompressed,
    ".gz": _from_gzip,
    ".xz": _from_xz,
}
"""How a list is read, by what follows ``_Packages`` in its name."""
