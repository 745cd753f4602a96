"""The loaders of other releases of glibc: packages of Debian and Ubuntu, fetched once and unpacked in the cache.

``python -m tests.linker.releases`` fetches all of them with lists of apt's own. Only the loader and the C library are
used, by their paths: the rest of the system is the one at hand.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.sources import one_at_a_time
from tests.tools import unavailable
from tests.wheels import CACHE

__all__ = ["RELEASES", "Other", "libraries"]

_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Other:
    """A release of glibc, and the distribution that has it: signed, or known by its digest before it is unpacked."""

    release: tuple[int, int]
    suite: str
    place: str
    options: str
    sha256: str = ""  # of the package, where no key of the distribution is at hand

    def __str__(self) -> str:
        return f"{self.release[0]}.{self.release[1]}"


_DEBIAN: Final = "http://deb.debian.org/debian"
_DEBIAN_KEYS: Final = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
_UBUNTU: Final = "http://archive.ubuntu.com/ubuntu"

RELEASES: Final = (
    Other((2, 31), "bullseye", _DEBIAN, _DEBIAN_KEYS),
    Other((2, 35), "jammy", _UBUNTU, "trusted=yes", "ea9a27e0ebdd0cfc9c750d94f8074f3a35d1f97dcc77ae04c370fb498a6b6db2"),
    Other((2, 36), "bookworm", _DEBIAN, _DEBIAN_KEYS),
    Other((2, 39), "noble", _UBUNTU, "trusted=yes", "af36c7ac770770fe3d3c10e85d6bc538e76e57570ba7db7d397fb9f654783ef3"),
    Other((2, 41), "trixie", _DEBIAN, _DEBIAN_KEYS),
)


def libraries(other: Other) -> Path:
    """The directory with the loader and the C library of a release; fetched when it is not there yet."""
    unpacked = CACHE / "glibc" / str(other)
    with one_at_a_time():
        said = "" if unpacked.is_dir() else _fetch(other, unpacked)
    if not unpacked.is_dir():
        message = f"glibc {other} of {other.suite} cannot be had: {said}"
        unavailable("packages of other releases", message)
    return next(path.parent for path in unpacked.rglob("libc.so.6") if (path.parent / "libdl.so.2").exists())


def _fetch(other: Other, target: Path) -> str:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return "there is no apt-get, or no dpkg-deb"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        scratch = Path(folder)
        for name in ("lists/partial", "cache/archives/partial"):
            (scratch / name).mkdir(parents=True)
        (scratch / "status").touch()
        (scratch / "sources.list").write_text(f"deb [{other.options}] {other.place} {other.suite} main\n")
        options = {
            "APT::Architecture": "amd64",
            "Acquire::Languages": "none",
            "Dir::Etc::sourcelist": scratch / "sources.list",
            "Dir::Etc::sourceparts": "/nonexistent",
            "Dir::State::lists": scratch / "lists",
            "Dir::State::status": scratch / "status",
            "Dir::Cache": scratch / "cache",
        }
        ask = ["apt-get", "-qq", *(part for key, value in options.items() for part in ("-o", f"{key}={value}"))]
        said = _run([*ask, "update"], scratch) or _run([*ask, "download", "libc6"], scratch)
        package = next(scratch.glob("libc6_*.deb"), None)
        if package is None:
            return said
        if other.sha256 and hashlib.sha256(package.read_bytes()).hexdigest() != other.sha256:
            return f"{package.name} is not the package it was"
        said = _run(["dpkg-deb", "-x", str(package), str(scratch / "unpacked")], scratch)
        if not said:
            (scratch / "unpacked").rename(target)
        return said


def _run(command: list[str], folder: Path) -> str:
    """Its last words when it fails, else nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS, cwd=folder)
    except subprocess.TimeoutExpired:
        return f"{command[0]} did not finish within {_SECONDS} s"
    return "" if not done.returncode else (done.stderr.strip().splitlines() or ["it said nothing"])[-1]


if __name__ == "__main__":
    for wanted in RELEASES:
        print(wanted, libraries(wanted))
