"""Systems with packages other than Debian's: what shows that one is there, and its commands.

Sources: pacman(8), xbps-install(1), emerge(1), zypper(8), dnf(8), yum(8), tdnf(8), urpmi(8), rpm-ostree(1),
slackpkg(8), swupd(1), apk(8), and the manuals of NixOS, of Guix and of AWS Lambda. RPM's and Alpine's packages provide
their libraries by name; the others are asked which package has a file.
"""

from __future__ import annotations

import shlex
from typing import Final

from loadstone.linker.view import FileView
from loadstone.quick_dataclass import dataclass

__all__ = ["DEBIAN", "PackageSystem", "file_of_a_package", "system_of"]


@dataclass(frozen=True, slots=True)
class PackageSystem:
    """A system's own packages: what shows that it is there, and its commands.

    ``install`` brings a library, ``rebuild`` is for what needs another; ``upgrade`` and ``again`` bring installed
    packages to one release and put back their files; ``asks`` prints the package that has a file.
    """

    marks: tuple[str, ...]
    install: str
    rebuild: str = ""
    upgrade: str = ""
    again: str = ""
    asks: str = ""
    finds: str = ""  # which package has a file that is not installed, where ``install`` does not tell


DEBIAN: Final = PackageSystem(
    ("/var/lib/dpkg/status",),
    "apt-get install {name}",
    upgrade="apt-get update && apt-get install --reinstall {packages}",
    again="apt-get install --reinstall {packages}",
    finds="apt-file search {path} names the package: apt-get install PACKAGE",
)
"""Debian and its kin, whose database is read itself (``packages.py``): it is no row of the table."""


_SYSTEMS: Final = (
    PackageSystem(
        ("/etc/NIXOS",),
        "nix-locate --top-level lib/{name} names the package; programs.nix-ld.libraries takes it for what was not built"
        " for NixOS, LD_LIBRARY_PATH=its lib for one command",
    ),
    PackageSystem(
        ("/var/lib/pacman",),
        "pacman -Fy {name} names the package: pacman -S PACKAGE",
        "upgrade the whole system: pacman -Syu, and build anew what is not of its repositories (AUR)",
        upgrade="pacman -Syu {packages}",
        again="pacman -S {packages}",
        asks="pacman -Qqo",
        finds="pacman -F {path} names the package: pacman -S PACKAGE",
    ),
    PackageSystem(("/var/db/xbps",), "xlocate {name} names the package: xbps-install -S PACKAGE", "xbps-install -Su"),
    PackageSystem(
        ("/var/db/pkg",),
        "e-file {name} (of app-portage/pfl) names the package: emerge PACKAGE",
        "emerge @preserved-rebuild, or revdep-rebuild",
    ),
    PackageSystem(
        ("/var/runtime/bootstrap", "/var/task"),
        "put it into lib/ of the function (/var/task/lib) or of a layer (/opt/lib), which LD_LIBRARY_PATH of AWS Lambda"
        " names; build or copy it in the image of that runtime (public.ecr.aws/lambda), where dnf provides"
        " '*/{name}' names the package",
    ),
    PackageSystem(
        ("/var/lib/pkgtools/packages", "/var/log/packages"),
        "slackpkg file-search {name} names the package: slackpkg install PACKAGE",
    ),
    PackageSystem(("/usr/share/clear/bundles",), "swupd search-file {name} names the bundle: swupd bundle-add BUNDLE"),
    PackageSystem(
        ("/var/lib/urpmi",),
        "urpmq --whatprovides '{name}(){bits}' names the package: urpmi PACKAGE",
        upgrade="urpmi {packages}",
        again="urpmi --replacepkgs {packages}",
        asks="rpm -qf --qf '%{NAME}'",
        finds="dnf provides '*{path}' names the package",
    ),
    PackageSystem(
        ("/usr/bin/tdnf",),
        "tdnf whatprovides '{name}(){bits}' names the package: tdnf install PACKAGE",
        upgrade="tdnf update {packages}",
        again="tdnf reinstall {packages}",
        asks="rpm -qf --qf '%{NAME}'",
        finds="dnf provides '*{path}' names the package",
    ),
    PackageSystem(
        ("/run/ostree-booted", "/sysroot/ostree"),
        "in a toolbox or a container: dnf install '{name}(){bits}'; for the system: dnf provides '*/{name}' names the"
        " package: rpm-ostree install PACKAGE, and restart",
        upgrade="rpm-ostree upgrade, and restart",
        asks="rpm -qf --qf '%{NAME}'",
        finds="dnf provides '*{path}' names the package",
    ),
    PackageSystem(
        ("/usr/share/yum-cli",),
        "yum install '{name}(){bits}'",
        upgrade="yum update {packages}",
        again="yum reinstall {packages}",
        asks="rpm -qf --qf '%{NAME}'",
        finds="dnf provides '*{path}' names the package",
    ),
    PackageSystem(
        ("/usr/bin/zypper",),
        "zypper install '{name}(){bits}'",
        upgrade="zypper update {packages}",
        again="zypper install --force {packages}",
        asks="rpm -qf --qf '%{NAME}'",
        finds="dnf provides '*{path}' names the package",
    ),
    PackageSystem(
        ("/usr/lib/sysimage/rpm", "/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages"),
        "dnf install '{name}(){bits}'",
        upgrade="dnf upgrade {packages}",
        again="dnf reinstall {packages}",
        asks="rpm -qf --qf '%{NAME}'",
        finds="dnf provides '*{path}' names the package",
    ),
    PackageSystem(
        ("/lib/apk/db", "/usr/lib/apk/db"),
        "apk add so:{name}",
        upgrade="apk add --upgrade {packages}",
        again="apk fix --reinstall {packages}",
        asks="apk info -qW",
        finds="the contents of packages on pkgs.alpinelinux.org name the one that has it: apk add PACKAGE",
    ),
    PackageSystem(
        ("/var/lib/dpkg/status.d",),
        "this image has no package manager (distroless): install the package in a stage of the same Debian, and in the"
        " Dockerfile: COPY --from=STAGE /usr/lib/*/{name} /usr/lib/",
    ),
    PackageSystem(
        ("/run/current-system/profile",), "guix locate {name} names the package: guix shell PACKAGE -- COMMAND"
    ),
)
"""In this order; the marks are databases of package managers. Debian's is read itself, in ``packages.py``."""


def system_of(view: FileView) -> PackageSystem | None:
    """The system whose packages a view has; None for Debian and its kin, and for one that is not known."""
    return next((system for system in _SYSTEMS if any(view.exists(mark) for mark in system.marks)), None)


def file_of_a_package(view: FileView, path: str) -> str:
    """How the package is found that would bring a file of the system's folders; empty for all other paths."""
    system = system_of(view) or (DEBIAN if view.exists(DEBIAN.marks[0]) else None)
    is_the_systems = path.startswith(("/usr/lib", "/lib", "/usr/libexec/", "/usr/bin/")) and shlex.quote(path) == path
    return system.finds.format(path=path) if system is not None and is_the_systems else ""
