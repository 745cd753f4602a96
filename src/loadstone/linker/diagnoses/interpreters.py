"""The loader that a program names is not there: what brings it, or how the program names one that is.

Sources: the packages of the C libraries in Debian, Fedora, Arch and Alpine; the manual of NixOS (nix-ld); patchelf(1).
"""

from __future__ import annotations

import posixpath
import shlex
from typing import Final

from loadstone.errors import LoadstoneError
from loadstone.linker.abi import I386
from loadstone.linker.diagnoses.whereabouts import names_in
from loadstone.linker.package_systems import system_of
from loadstone.linker.packages import apt_install
from loadstone.linker.request import LoaderModel
from loadstone.shell import quoted_path

__all__ = ["OF_GO", "for_musl", "its_loader"]

_OF_32_BITS: Final = "/lib/ld-linux.so.2"
_MUSL: Final = "ld-musl-"
OF_GO: Final = frozenset((".go.buildinfo", ".note.go.buildid"))
"""Sections that a program of Go has and no other."""
_ELSEWHERE: Final = "take a build for this system, or run it in a container of its own"
_NIX: Final = (
    'programs.nix-ld.enable = true, or for this file: patchelf --set-interpreter "$(cat'
    ' $NIX_CC/nix-support/dynamic-linker)" {file}'
)


def its_loader(model: LoaderModel, loader: str, path: str) -> str:
    """What to do about a program whose loader is missing."""
    file, name = quoted_path(path), posixpath.basename(loader)
    if _is_of_go(model, path):
        return (
            f"build it without C, so that it names no loader: CGO_ENABLED=0 go build; or {_with_loader(model, loader)}"
        )
    own = next((there for there in model.abi.loaders if there != loader and model.view.exists(there)), None)
    if model.view.exists("/etc/NIXOS"):
        return _NIX.format(file=file)
    if own is not None:
        link = "" if posixpath.basename(own) == name else f"ln -s {own} {shlex.quote(loader)}, or for this file alone: "
        return f"{link}patchelf --set-interpreter {own} {file}"
    if name.startswith(_MUSL):
        return f"install musl (Debian: apt-get install musl), or {_ELSEWHERE}"
    if any(other.startswith(_MUSL) for other in names_in(model, "/lib")):
        return for_musl("")
    system = system_of(model.view)
    if loader == _OF_32_BITS and system is None and model.view.exists("/var/lib/dpkg/status"):
        return apt_install(model.view, "libc6", I386)
    if loader == _OF_32_BITS:
        asked = (
            "pacman -S lib32-glibc" if system is not None and "pacman" in system.install else "dnf install glibc.i686"
        )
        return f"install the C library of 32 bits: {asked}"
    if not any(names_in(model, folder) for folder in ("/lib", "/lib64", "/usr/lib", "/etc")):
        return f"nothing is in this image besides it: link it statically (-static), or take a base image with {loader}"
    return f"install the C library it was built for; or {_ELSEWHERE}"


def _with_loader(model: LoaderModel, loader: str) -> str:
    """Where a program finds the loader of glibc that this system lacks."""
    if any(other.startswith(_MUSL) for other in names_in(model, "/lib")):
        return "apk add gcompat"
    return f"run it in an image that has {loader}"


def _is_of_go(model: LoaderModel, path: str) -> bool:
    try:
        sections = model.view.image(model.view.open(model.absolute(path))).sections
    except (OSError, LoadstoneError):
        return False
    return any(section.name in OF_GO for section in sections)


def for_musl(again: str) -> str:
    """What to do on a system of musl about a file that was built for glibc."""
    builds = f"use a build for musl (a musllinux wheel, an Alpine package){f': {again}' if again else ''}"
    return f"{builds}; apk add gcompat lends many of glibc's functions; else take an image with glibc (Debian)"
