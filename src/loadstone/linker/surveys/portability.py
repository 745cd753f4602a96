"""How far a library or a wheel can travel: the platform tag it deserves, what rules out a better one, the stable ABI.

Sources: PEP 600 and PEP 656 (perennial manylinux and musllinux tags) with the limits their policies give each release;
PEP 384 and PEP 652 (the stable ABI), CPython's Misc/stable_abi.toml for its names and the releases they came with.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from loadstone.core.image import DependencyKind, Format, Image
from loadstone.linker.answers import VersionUse, version_uses
from loadstone.linker.discovery import machine_of
from loadstone.linker.openers import Tags
from loadstone.quick_dataclass import dataclass

# ruff: noqa: SIM905  a block of words reads better than a column of quotes
__all__ = ["Portability", "Spoiler", "StableAbiViolation", "portability_of"]

_Numbers = tuple[int, ...]

_POLICIES: Final[tuple[tuple[str, dict[str, _Numbers]], ...]] = (
    ("2_5", {"GLIBC": (2, 5), "GLIBCXX": (3, 4, 8), "CXXABI": (1, 3, 1), "GCC": (4, 2, 0)}),
    ("2_12", {"GLIBC": (2, 12), "GLIBCXX": (3, 4, 13), "CXXABI": (1, 3, 3), "GCC": (4, 5, 0)}),
    ("2_17", {"GLIBC": (2, 17), "GLIBCXX": (3, 4, 19), "CXXABI": (1, 3, 7), "GCC": (4, 8, 0)}),
    ("2_24", {"GLIBC": (2, 24), "GLIBCXX": (3, 4, 22), "CXXABI": (1, 3, 10), "GCC": (4, 8, 0)}),
    ("2_26", {"GLIBC": (2, 26), "GLIBCXX": (3, 4, 22), "CXXABI": (1, 3, 10), "GCC": (4, 8, 0)}),
    ("2_27", {"GLIBC": (2, 27), "GLIBCXX": (3, 4, 24), "CXXABI": (1, 3, 11), "GCC": (7, 0, 0)}),
    ("2_28", {"GLIBC": (2, 28), "GLIBCXX": (3, 4, 24), "CXXABI": (1, 3, 11), "GCC": (7, 0, 0)}),
    ("2_31", {"GLIBC": (2, 31), "GLIBCXX": (3, 4, 28), "CXXABI": (1, 3, 12), "GCC": (7, 0, 0)}),
    ("2_34", {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13), "GCC": (7, 0, 0)}),
    ("2_35", {"GLIBC": (2, 35), "GLIBCXX": (3, 4, 30), "CXXABI": (1, 3, 13), "GCC": (12, 0, 0)}),
    ("2_36", {"GLIBC": (2, 36), "GLIBCXX": (3, 4, 30), "CXXABI": (1, 3, 13), "GCC": (12, 0, 0)}),
    ("2_38", {"GLIBC": (2, 38), "GLIBCXX": (3, 4, 30), "CXXABI": (1, 3, 13), "GCC": (12, 0, 0)}),
    ("2_39", {"GLIBC": (2, 39), "GLIBCXX": (3, 4, 33), "CXXABI": (1, 3, 15), "GCC": (14, 0, 0)}),
    ("2_40", {"GLIBC": (2, 40), "GLIBCXX": (3, 4, 33), "CXXABI": (1, 3, 15), "GCC": (14, 0, 0)}),
    ("2_41", {"GLIBC": (2, 41), "GLIBCXX": (3, 4, 33), "CXXABI": (1, 3, 15), "GCC": (14, 0, 0)}),
)
"""A manylinux release and the newest version nodes a wheel of it may need."""

_ALLOWED: Final = frozenset(
    (
        "libatomic.so.1 libgcc_s.so.1 libstdc++.so.6 libm.so.6 libmvec.so.1 libanl.so.1 libdl.so.2 librt.so.1"
        " libc.so.6 libnsl.so.1 libutil.so.1 libpthread.so.0 libX11.so.6 libXext.so.6 libXrender.so.1 libICE.so.6"
        " libSM.so.6 libGL.so.1 libgobject-2.0.so.0 libgthread-2.0.so.0 libglib-2.0.so.0 libresolv.so.2"
        " libexpat.so.1 libz.so.1"
    ).split()
)
_NODE: Final = re.compile(r"(GLIBC|GLIBCXX|CXXABI|GCC)_(\d+(?:\.\d+)*)$")
_MACHINES: Final = {"x86-64": "x86_64", "i386": "i686", "arm": "armv7l"}
_ABI3: Final = re.compile(r"\.abi3\.so$|\.pyd$")
_PYTHON_SYMBOL: Final = re.compile(r"_?Py[A-Z_]")


@dataclass(frozen=True, slots=True)
class Spoiler:
    """What keeps a file from a better tag: a version node and the symbols that need it, or a library from outside."""

    file: str
    what: str
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StableAbiViolation:
    """A symbol that a module marked abi3 may not use: none of the stable ABI, or newer than the Python it says."""

    file: str
    symbol: str
    since: tuple[int, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Portability:
    """The tag that all files together deserve (None: no manylinux one, or no ELF files), and what it rests on.

    ``claimed`` are the tags a wheel's name states; ``is_honest`` whether it deserves the lowest of them.
    """

    tag: str | None
    claimed: tuple[str, ...]
    is_honest: bool
    spoilers: tuple[Spoiler, ...]
    needs: tuple[VersionUse, ...]
    stable_abi: tuple[StableAbiViolation, ...]


def portability_of(libraries: Iterable[tuple[str, Image]], tags: Tags | None = None) -> Portability:
    """What the libraries of one wheel or folder, or one alone, need of a system and of Python. Pure."""
    found = [(name, image) for name, image in libraries if image.format is Format.ELF]
    own = {posixpath.basename(name) for name, _ in found} | {i.identity for _, i in found if i.identity}
    needs = tuple(use for name, image in found for use in version_uses(image, name) if use.file not in own)
    outside = [Spoiler(n, f"needs {lib} from outside") for n, i in found for lib in _outside(i, own)]
    musl = any(d.name.startswith("libc.musl-") for _, i in found for d in i.needed)
    policy = None if outside else _policy(needs)
    tag = _tag(policy, found, is_musl=musl)
    spoilers = outside or _spoilers(needs, policy)
    claimed = tags.platforms if tags is not None else ()
    abi3 = tuple(v for name, image in found if _ABI3.search(name) for v in _violations(name, image, _oldest(tags)))
    return Portability(
        tag=tag,
        claimed=claimed,
        is_honest=musl or _is_honest(claimed, policy),
        spoilers=tuple(spoilers),
        needs=needs,
        stable_abi=abi3,
    )


def _outside(image: Image, own: set[str]) -> Iterator[str]:
    for dependency in image.needed:
        name = dependency.name
        known = name in _ALLOWED or name in own or name.startswith(("ld-linux", "ld64.", "libc.musl-", "libpython"))
        if dependency.kind is DependencyKind.NEEDED and not known:
            yield name


def _limits(needs: Iterable[VersionUse]) -> dict[str, _Numbers]:
    """The newest node of each family that is needed."""
    newest: dict[str, _Numbers] = {}
    for use in needs:
        node = _NODE.match(use.version)
        if node:
            numbers = _numbers(node[2])
            newest[node[1]] = max(newest.get(node[1], ()), numbers)
    return newest


def _numbers(text: str) -> _Numbers:
    return tuple(int(part) for part in text.split("."))


def _policy(needs: Iterable[VersionUse]) -> str | None:
    newest = _limits(needs)
    return next((n for n, allows in _POLICIES if all(v <= allows[family] for family, v in newest.items())), None)


def _spoilers(needs: tuple[VersionUse, ...], policy: str | None) -> list[Spoiler]:
    """What the policy before the deserved one does not allow."""
    names = [name for name, _ in _POLICIES]
    position = names.index(policy) if policy is not None else len(names)
    if position == 0:
        return []
    allows = _POLICIES[position - 1][1]
    found = []
    for use in needs:
        node = _NODE.match(use.version)
        if node and _numbers(node[2]) > allows[node[1]]:
            found.append(Spoiler(use.consumer, use.version, use.symbols))
    return found


def _tag(policy: str | None, found: list[tuple[str, Image]], *, is_musl: bool) -> str | None:
    if not found:
        return None
    abi = machine_of(found[0][1])
    machine = _MACHINES.get(abi.name, abi.name) if abi is not None else found[0][1].machine.name
    if is_musl:
        return f"musllinux_1_2_{machine}"
    return f"manylinux_{policy}_{machine}" if policy is not None else f"linux_{machine}"


_OLD_NAMES: Final = {"manylinux1": "2_5", "manylinux2010": "2_12", "manylinux2014": "2_17"}


def _is_honest(claimed: tuple[str, ...], policy: str | None) -> bool:
    """Whether every system the lowest of the claimed tags stands for has what is needed."""
    stated = [release for tag in claimed if (release := _release_of(tag)) is not None]
    if not stated:
        return True
    return policy is not None and _release_of(f"manylinux_{policy}_x") is not None and min(stated) >= _pair(policy)


def _release_of(tag: str) -> tuple[int, int] | None:
    old = next((release for name, release in _OLD_NAMES.items() if tag.startswith(f"{name}_")), None)
    new = re.match(r"manylinux_(\d+)_(\d+)_", tag)
    return _pair(old) if old else (int(new[1]), int(new[2])) if new else None


def _pair(release: str) -> tuple[int, int]:
    major, _, minor = release.partition("_")
    return int(major), int(minor)


@cache
def _stable_abi() -> dict[str, _Numbers]:
    """Each name of the stable ABI and the release it came with."""
    releases = tomllib.loads((files("loadstone.linker.surveys") / "stable_abi.toml").read_text())
    return {name: _numbers(release)[:2] for release, names in releases.items() for name in names.split()}


def _oldest(tags: Tags | None) -> tuple[int, int] | None:
    """The oldest Python a wheel says it is for."""
    return tags.minimum if tags is not None else None


def _violations(name: str, image: Image, oldest: tuple[int, int] | None) -> Iterator[StableAbiViolation]:
    known = _stable_abi()
    for symbol in image.imports:
        if not _PYTHON_SYMBOL.match(symbol.name):
            continue
        since = known.get(symbol.name)
        if since is None or (oldest is not None and since > oldest):
            yield StableAbiViolation(name, symbol.name, since)
