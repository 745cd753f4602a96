"""The sources of a search that are lists of directories, and the versioned names that are found in them."""

from __future__ import annotations

import os
import re
import site
import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from loadstone.core.names import NAMING, Platform, is_library
from loadstone.library.search import start
from loadstone.library.trust.policy import SearchPolicy, SearchSource
from loadstone.quick_dataclass import dataclass

__all__ = ["RuntimeNames", "SearchDirectory", "directories_of", "has_prefix", "runtime_names"]

_PACKAGE_MANAGERS: Final = (
    ("/opt/homebrew/lib", "Homebrew on Apple silicon"),
    ("/usr/local/lib", "Homebrew on Intel"),
    ("/opt/local/lib", "MacPorts"),
    ("/home/linuxbrew/.linuxbrew/lib", "Homebrew on Linux"),
)

_DEFAULT_DIRS: Final = {
    Platform.MACOS: ("/usr/local/lib", "/usr/lib"),
    Platform.LINUX: ("/lib", "/usr/local/lib", "/usr/lib"),  # musl and the BSDs; glibc's stand in its loader
}

_MAX_LISTED: Final = 100_000
"""Entries of one directory that are looked through."""


@dataclass(frozen=True, slots=True)
class SearchDirectory:
    """A directory to look in, and where it comes from; ``is_bundled`` when wheels put mangled names there."""

    path: str
    origin: str
    is_bundled: bool = False

    def entries(self) -> tuple[str, ...]:
        """What is in it; nothing when it cannot be listed."""
        try:
            return tuple(os.listdir(self.path)[:_MAX_LISTED])
        except OSError:
            return ()


def directories_of(source: SearchSource, policy: SearchPolicy, platform: Platform) -> tuple[SearchDirectory, ...]:
    """The directories a source stands for, in order; only those that exist, but for the ones asked for by name."""
    if source is SearchSource.EXPLICIT:
        return tuple(SearchDirectory(os.path.abspath(d), "SearchPolicy.dirs") for d in policy.dirs)
    if source is SearchSource.PACKAGE:
        found = [
            SearchDirectory(path, package, is_bundled=True) for package in policy.packages for path in _bundled(package)
        ]
    elif source is SearchSource.PREFIX:
        found = [SearchDirectory(f"{prefix}/lib", origin) for prefix, origin in _prefixes()]
    elif source is SearchSource.PACKAGE_MANAGER:
        found = [SearchDirectory(path, origin) for path, origin in _PACKAGE_MANAGERS]
    elif source is SearchSource.ENVIRONMENT:
        variable = "DYLD_LIBRARY_PATH" if platform is Platform.MACOS else "LD_LIBRARY_PATH"
        value = start.started_with().get(variable, "")
        found = [SearchDirectory(d.rstrip("/"), "environment") for d in value.split(":") if d.startswith("/")]
    elif source is SearchSource.DEFAULT_DIRS:
        found = [SearchDirectory(d, "default") for d in _DEFAULT_DIRS.get(platform, ())]
    else:
        found = []
    return tuple(d for d in found if os.path.isdir(d.path))


def _bundled(package: str) -> Iterable[str]:
    """Where wheels put the libraries they bring: auditwheel's NAME.libs beside the package, and folders inside it."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", package):
        return
    roots = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    normal = re.sub(r"[-.]+", "_", package)
    for root in roots:
        for name in dict.fromkeys((package, normal, normal.lower())):
            yield f"{root}/{name}.libs"
            for inside in ("lib", ".libs", "libs", "lib64", ".dylibs"):
                yield f"{root}/{name}/{inside}"
            yield f"{root}/{name}"


def has_prefix() -> bool:
    """Whether a conda or virtual environment is active."""
    return next(iter(_prefixes()), None) is not None


def _prefixes() -> Iterable[tuple[str, str]]:
    conda = os.environ.get("CONDA_PREFIX")
    if conda and conda.startswith("/"):
        yield conda.rstrip("/"), "CONDA_PREFIX"
    if sys.prefix != sys.base_prefix:
        yield sys.prefix, "virtual environment"


@dataclass(frozen=True, slots=True)
class RuntimeNames:
    """The names a library has at run time when no version was asked for: ``libz.so.1``, not the link ``libz.so``.

    False when there are none to look for: a version was given, or the name is a complete one.
    """

    stem: str  # "libz.so."; empty: look for none
    pattern: re.Pattern[str] | None = None
    bundled: re.Pattern[str] | None = None  # as auditwheel mangles: libz-0a1b2c3d.so.1.2.13

    def __bool__(self) -> bool:
        return bool(self.stem)

    def best_of(self, names: Iterable[str], *, mangled: bool = False) -> tuple[str, ...]:
        """Those of ``names`` that are the library with some version, best first."""
        patterns = [p for p in (self.pattern, self.bundled if mangled else None) if p is not None]
        matches = {name: m for name in names for p in patterns if (m := p.fullmatch(name)) is not None}
        return tuple(sorted(matches, key=lambda name: _rank(matches[name]["version"] or "")))


@lru_cache(maxsize=256)
def runtime_names(name: str, version: str | None, platform: Platform) -> RuntimeNames:
    """What to look for when none of the exact names is there.

    >>> runtime_names("z", None, Platform.LINUX).best_of(["libz.so.1", "libz.so.1.2.13", "libzstd.so.1"])
    ('libz.so.1', 'libz.so.1.2.13')
    """
    naming = NAMING[platform]
    if version is not None or not naming.versioned or is_library(name, platform):
        return RuntimeNames("")
    base = re.escape(name) if name.startswith(naming.prefix) else re.escape(naming.prefix + name)
    if platform is Platform.MACOS:
        pattern = re.compile(rf"{base}\.(?P<version>[0-9.]+)\.dylib")
        return RuntimeNames(f"{naming.prefix}{name}.", pattern)
    suffix = re.escape(naming.plain[0])
    return RuntimeNames(
        f"{naming.prefix}{name}{naming.plain[0]}.",
        re.compile(rf"{base}{suffix}\.(?P<version>[0-9][0-9.]*)"),
        re.compile(rf"{base}(?:-[0-9a-f]{{8}})?{suffix}(?:\.(?P<version>[0-9][0-9.]*))?"),
    )


def _rank(version: str) -> tuple[int, int, tuple[int, ...]]:
    """Highest major version first, then the shortest: ``libz.so.1`` is the name others need, not ``libz.so.1.2.13``."""
    numbers = [int(part) for part in version.split(".") if part]
    return -numbers[0] if numbers else 0, len(numbers), tuple(-n for n in numbers)
