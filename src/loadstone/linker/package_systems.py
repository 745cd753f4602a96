"""Systems with packages other than Debian's: what shows that one is there, and its commands.

Sources: pacman(8), xbps-install(1), emerge(1), zypper(8), dnf(8), apk(8), and the manuals of NixOS and of Guix. RPM's
and Alpine's packages provide their libraries by name; the others are asked which package has a file.
"""

from __future__ import annotations

from typing import Final

from loadstone.linker.view import FileView
from loadstone.quick_dataclass import dataclass

__all__ = ["PackageSystem", "system_of"]


@dataclass(frozen=True, slots=True)
class PackageSystem:
    """A system's own packages: what shows that it is there, the command for a library, and that for what needs it."""

    marks: tuple[str, ...]
    install: str
    rebuild: str = ""


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
    ),
    PackageSystem(("/var/db/xbps",), "xlocate {name} names the package: xbps-install -S PACKAGE", "xbps-install -Su"),
    PackageSystem(
        ("/var/db/pkg",),
        "e-file {name} (of app-portage/pfl) names the package: emerge PACKAGE",
        "emerge @preserved-rebuild, or revdep-rebuild",
    ),
    PackageSystem(("/usr/bin/zypper",), "zypper install '{name}(){bits}'"),
    PackageSystem(
        ("/usr/lib/sysimage/rpm", "/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages"), "dnf install '{name}(){bits}'"
    ),
    PackageSystem(("/lib/apk/db", "/usr/lib/apk/db"), "apk add so:{name}"),
    PackageSystem(
        ("/run/current-system/profile",), "guix locate {name} names the package: guix shell PACKAGE -- COMMAND"
    ),
)
"""In this order; the marks are databases of package managers. Debian's is read itself, in ``packages.py``."""


def system_of(view: FileView) -> PackageSystem | None:
    """The system whose packages a view has; None for Debian and its kin, and for one that is not known."""
    return next((system for system in _SYSTEMS if any(view.exists(mark) for mark in system.marks)), None)
