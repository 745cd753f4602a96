"""Which package of the system has a file, and its commands for that: install it anew, bring it to the same release.

Sources: dpkg-query(1), rpm(8), pacman(8), apk-installed(5), gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import Final

from loadstone.linker.package_systems import DEBIAN, system_of
from loadstone.linker.packages import owner_of
from loadstone.linker.request import LoaderModel

__all__ = [
    "installed_anew",
    "may_be_packaged",
    "newer_runtime",
    "of_a_sandbox",
    "of_one_release",
    "package_of",
    "put_aside",
    "upgraded",
]

_PACKAGED: Final = ("/usr/", "/lib", "/opt/", "/bin/", "/sbin/")
_LOCAL: Final = "/usr/local/"
_STRAYS: Final = ("/usr/local/lib", "/usr/local/lib64")
_BREWED: Final = re.compile(r"(?:/usr/local|/opt/homebrew|/home/linuxbrew/\.linuxbrew)/(?:opt|Cellar)/([^/]+)/")
_SNAP: Final = re.compile(r"/snap/([^/]+)/[^/]+/")
_CPP: Final = "libstdc++.so.6"
_OF_GCC: Final = {
    "GLIBCXX_3.4": (
        (20, "4.9"), (21, "5"), (22, "6"), (24, "7"), (25, "8"), (28, "9"), (29, "11"), (30, "12"), (32, "13"),
        (33, "14"), (34, "15"),
    ),
    "CXXABI_1.3": (
        (8, "4.9"), (9, "5"), (10, "6"), (11, "7"), (12, "9"), (13, "11"), (14, "13"), (15, "14"), (16, "15"),
    ),
}  # fmt: skip
"""The last symbol version of each family that a release of GCC has."""
_FOR_DEBIAN: Final = (
    "on Ubuntu add-apt-repository ppa:ubuntu-toolchain-r/test && apt-get install libstdc++6, on Debian that of its next"
    " release"
)


def may_be_packaged(model: LoaderModel, path: str) -> bool:
    """Whether a file lies where packages of the system put theirs."""
    whole = model.absolute(path)
    return whole.startswith(_PACKAGED) and not whole.startswith(_LOCAL)


def package_of(model: LoaderModel, path: str) -> str:
    """The installed package of the system (or Homebrew's formula) that has a file, as a shell takes it; else empty.

    Databases other than Debian's are not read: the command itself asks them.
    """
    whole = model.absolute(path)
    brewed = _BREWED.match(whole)
    if brewed is not None:
        return shlex.quote(brewed[1])
    if not may_be_packaged(model, whole):
        return ""
    system = system_of(model.view)
    if system is None:
        return owner_of(model.view, whole) or owner_of(model.view, model.view.real_path(whole)) or ""
    return f'"$({system.asks} {shlex.quote(whole)})"' if system.asks else ""


def installed_anew(model: LoaderModel, path: str) -> str:
    """The command that installs again the package of the system that has a file; empty where none has."""
    package = package_of(model, path)
    if not package:
        return ""
    if _BREWED.match(model.absolute(path)):
        return f"brew reinstall {package}"
    return (system_of(model.view) or DEBIAN).again.format(packages=package)


def of_a_sandbox(model: LoaderModel, path: str) -> str:
    """The command that puts back a file of a Flatpak or of a snap, which nothing inside can change; else empty."""
    snap = _SNAP.match(model.absolute(path))
    if snap is not None:
        name = shlex.quote(snap[1])
        return f"snap remove {name} && snap install {name}"
    inside = model.view.exists("/.flatpak-info") and model.absolute(path).startswith(("/usr/", "/lib", "/app/"))
    return "outside of the sandbox: flatpak repair, or flatpak install --reinstall the runtime" if inside else ""


def upgraded(model: LoaderModel, *paths: str) -> str:
    """The command that brings the packages of some files to the release of today; empty where one is of none."""
    packages = dict.fromkeys(package_of(model, path) for path in paths)
    if "" in packages:
        return ""
    if any(_BREWED.match(model.absolute(path)) for path in paths):
        return f"brew update && brew upgrade {' '.join(packages)}"
    return (system_of(model.view) or DEBIAN).upgrade.format(packages=" ".join(packages))


def of_one_release(model: LoaderModel, asking: str, provider: str) -> str:
    """What makes two files fit each other, one of which is of a package of the system; empty where neither is."""
    mine, other = package_of(model, asking), package_of(model, provider)
    name, who = posixpath.basename(provider), posixpath.basename(asking)
    if mine and other:
        if mine == other:
            return f"{who} and {name} are not of one release: {installed_anew(model, asking)}"
        both = upgraded(model, asking, provider)
        built = f"where {who} was built here or is of another source (AUR, PPA), build or install that anew"
        return f"{who} and {name} are not of one release: {both}; {built}"
    if other:
        newer = upgraded(model, provider)
        return f"{who} was built for another release of {name} than that of the system: build it anew here, or {newer}"
    system = system_of(model.view)
    if system is not None and system.rebuild and model.absolute(asking).startswith(_PACKAGED):
        return f"{who} was built for another release of {name}: {system.rebuild}"
    if mine and posixpath.dirname(model.absolute(provider)) in (*_STRAYS, *model.system_dirs):
        aside = put_aside(model, provider)
        return f"{provider} is of no package, and {who} was built for the system's {name}: {aside}"
    return ""


def put_aside(model: LoaderModel, path: str) -> str:
    """The command after which the loader finds no file there, which stays at hand under another name."""
    file = model.absolute(path)
    return f"mv {shlex.quote(file)} {shlex.quote(f'{file}.off')} && ldconfig"


def newer_runtime(model: LoaderModel, name: str, version: str) -> str:
    """The release of GCC whose C++ library has a symbol version, and what brings it; empty for all else."""
    family, _, number = version.rpartition(".")
    rows = _OF_GCC.get(family, ()) if name == _CPP and number.isdigit() else ()
    gcc = next((release for last, release in rows if int(number) <= last), "")
    if not gcc:
        return ""
    system = system_of(model.view)
    bring = system.upgrade.format(packages="libstdc++") if system is not None and system.upgrade else _FOR_DEBIAN
    return f"{version} came with GCC {gcc}: {bring}; or conda install -c conda-forge 'libstdcxx-ng>={gcc}'"
