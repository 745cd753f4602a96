"""The programs and libraries the tests ask for, and the system packages that bring them: one table for all managers.

``python -m tools.system_packages`` installs what is missing here; ``--print`` only says how. Python's standard library
is enough to run it. Privileges are asked for (sudo) only when something is to be installed by another user than root.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["INSTALL", "MANAGERS", "TOOLS", "Manager", "Tool", "is_there", "main", "packages"]

INSTALL: Final = "make system-packages"  # what a person is told to run


def _program(name: str) -> bool:
    return shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin") is not None


def _library(name: str) -> bool:
    """Asked in a child: what is looked for shall not stay loaded here."""
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    return subprocess.run([sys.executable, "-c", code, name], capture_output=True, check=False).returncode == 0


def _compiles(command: str) -> bool:
    """Whether a command line makes a program that it can also link."""
    compiler, *flags = command.split()
    if not _program(compiler):
        return False
    with tempfile.TemporaryDirectory() as folder:
        line = [compiler, *flags, "-x", "c", "-", "-o", str(Path(folder, "program"))]
        program = b"int main(void){return 0;}"
        return subprocess.run(line, input=program, capture_output=True, check=False).returncode == 0


def _header(name: str) -> bool:
    return Path(sysconfig.get_path("include"), name).exists()


def _header_file(name: str) -> bool:
    folders = ("/usr/local/include", "/usr/include", f"/usr/include/{sysconfig.get_config_var('MULTIARCH')}")
    return any(Path(folder, name).exists() for folder in folders)


def _file(path: str) -> bool:
    return Path(path).exists()


@dataclass(frozen=True, slots=True)
class Tool:
    """Something of the system that tests use, and the packages that bring it ("" where there is none)."""

    name: str
    apt: str = ""
    dnf: str = ""
    apk: str = ""
    brew: str = ""
    there: Callable[[str], bool] = _program


_NUMBER: Final = "{number}"
"""Stands for the release of gcc in a name. The package ``gcc-multilib`` refuses to stand beside any cross compiler, the
one of a release (``gcc-12-multilib``) does not."""

_BINUTILS: Final = ("ar", "c++filt", "nm", "objcopy", "objdump", "readelf", "strip")

TOOLS: Final = (
    Tool("gcc", "gcc libc6-dev", "gcc glibc-devel", "gcc musl-dev", "gcc"),
    Tool("cc", "gcc libc6-dev", "gcc glibc-devel", "gcc musl-dev", "gcc"),
    Tool("g++", "g++", "gcc-c++", "g++", "gcc"),
    Tool("gcc -m32", f"gcc-{_NUMBER}-multilib", "glibc-devel.i686 libgcc.i686", there=_compiles),
    Tool("clang", "clang", "clang", "clang", "llvm"),
    Tool("gcc -fsanitize=address", "gcc", "gcc libasan libubsan", there=_compiles),
    Tool("bash", "bash", "bash", "bash", "bash"),
    Tool("make", "make", "make", "make", "make"),
    Tool("git", "git", "git", "git", "git"),
    *(Tool(name, "binutils", "binutils", "binutils", "binutils") for name in _BINUTILS),
    Tool("patchelf", "patchelf", "patchelf", "patchelf", "patchelf"),
    Tool("strace", "strace", "strace", "strace"),
    Tool("ldconfig", "libc-bin", "glibc"),
    Tool("setcap", "libcap2-bin", "libcap", "libcap"),
    Tool("setpriv", "util-linux", "util-linux", "setpriv"),
    Tool("unshare", "util-linux", "util-linux", "util-linux"),
    Tool("lz4", "lz4", "lz4", "lz4", "lz4"),
    Tool("mksquashfs", "squashfs-tools", "squashfs-tools", "squashfs-tools", "squashfs"),
    Tool("/lib/ld-musl-x86_64.so.1", "musl", "musl-libc", "musl", there=_file),
    Tool("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64", "mingw64-gcc", "mingw-w64-gcc", "mingw-w64"),
    Tool(
        "x86_64-w64-mingw32-windres", "binutils-mingw-w64-x86-64", "mingw64-binutils", "mingw-w64-binutils", "mingw-w64"
    ),
    Tool("musl-gcc", "musl-tools", "musl-gcc"),
    Tool(
        "aarch64-linux-gnu-gcc -static",
        "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
        "gcc-aarch64-linux-gnu",
        there=_compiles,
    ),
    Tool("qemu-aarch64", "qemu-user", "qemu-user", "qemu-aarch64"),
    Tool("cppcheck", "cppcheck", "cppcheck", "cppcheck", "cppcheck"),
    Tool("clang-tidy", "clang-tidy", "clang-tools-extra", "clang-extra-tools", "llvm"),
    Tool("chromium", "chromium", "chromium", "chromium", "chromium"),
    Tool("/usr/bin/python3", "python3", "python3", "python3", there=_file),  # an interpreter every user may start
    Tool("Python.h", "python3-dev", "python3-devel", "python3-dev", there=_header),  # builds the extension
    Tool("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib", there=_library),  # the wheels of Qt need it
    Tool("libz.so.1", "zlib1g", "zlib", "zlib", there=_library),
    Tool("zlib.h", "zlib1g-dev", "zlib-devel", "zlib-dev", there=_header_file),
    Tool("sqlite3.h", "libsqlite3-dev", "sqlite-devel", "sqlite-dev", there=_header_file),
    Tool("png.h", "libpng-dev", "libpng-devel", "libpng-dev", there=_header_file),
    Tool("curl/curl.h", "libcurl4-openssl-dev", "libcurl-devel", "curl-dev", "curl", there=_header_file),
    Tool("openssl/evp.h", "libssl-dev", "openssl-devel", "openssl-dev", "openssl", there=_header_file),
    Tool("libusb-1.0/libusb.h", "libusb-1.0-0-dev", "libusb1-devel", "libusb-dev", "libusb", there=_header_file),
    Tool("libsqlite3.so.0", "libsqlite3-0", "sqlite-libs", "sqlite-libs", there=_library),
    Tool("libcrypto.so.3", "libssl3", "openssl-libs", "libcrypto3", there=_library),
)

_BY_NAME: Final = {tool.name: tool for tool in TOOLS}


@cache
def is_there(name: str) -> bool:
    """Whether this machine has a tool; one that is in no row is looked for as a program."""
    tool = _BY_NAME.get(name, Tool(name))
    return tool.there(tool.name)


@dataclass(frozen=True, slots=True)
class Manager:
    """A package manager: the field of :class:`Tool` with its names, and how it is told to install them."""

    name: str
    command: str
    first: tuple[str, ...]  # brings its lists up to date
    install: tuple[str, ...]
    as_root: bool = True


MANAGERS: Final = (
    Manager("apt", "apt-get", ("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends")),
    Manager("dnf", "dnf", (), ("install", "-y", "-q")),
    Manager("apk", "apk", ("update", "-q"), ("add", "-q")),
    Manager("brew", "brew", (), ("install", "--quiet"), as_root=False),
)


def packages(manager: Manager, tools: Iterable[Tool]) -> tuple[str, ...]:
    """The packages that bring these tools here, each once."""
    words = dict.fromkeys(word for tool in tools for word in getattr(tool, manager.name).split())
    return tuple(word.replace(_NUMBER, _release_of_gcc()) if _NUMBER in word else word for word in words)


@cache
def _release_of_gcc() -> str:
    """The release that apt's package ``gcc`` stands for."""
    told = subprocess.run(["apt-cache", "depends", "gcc"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Depends: gcc-(\d+)$", told, re.MULTILINE)
    return found[1] if found else ""


def _privileged(manager: Manager) -> list[str]:
    return ["sudo"] if manager.as_root and os.geteuid() else []


def main(arguments: list[str] | None = None) -> int:
    """Install what is missing; the status is that of the package manager, or 1 when something is missing still."""
    parser = argparse.ArgumentParser(prog="make system-packages", description=__doc__)
    parser.add_argument("--print", action="store_true", help="say what would be run, run nothing")
    parser.add_argument("--all", action="store_true", help="name the packages of tools that are here as well")
    asked = parser.parse_args(arguments)
    missing = [tool for tool in TOOLS if asked.all or not is_there(tool.name)]
    if not missing:
        print(f"all {len(TOOLS)} tools the tests ask for are here")
        return 0
    print("missing:", ", ".join(tool.name for tool in missing), flush=True)
    manager = next((m for m in MANAGERS if shutil.which(m.command)), None)
    if manager is None:
        print(f"none of {', '.join(m.command for m in MANAGERS)} is here: install these yourself", file=sys.stderr)
        return 1
    for words in (manager.first, manager.install):
        if not words:
            continue
        named = packages(manager, missing) if words is manager.install else ()  # not before the lists are up to date
        command = [*_privileged(manager), manager.command, *words, *named]
        print("+", shlex.join(command), flush=True)
        if not asked.print:
            quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            status = subprocess.run(command, check=False, env=quiet).returncode
            if status:
                return status
    is_there.cache_clear()
    left = [] if asked.print else [tool for tool in missing if not is_there(tool.name)]
    for tool in left:
        print(f"still missing: {tool.name} ({getattr(tool, manager.name) or f'{manager.name} has no package'})")
    return int(any(getattr(tool, manager.name) for tool in left))


if __name__ == "__main__":
    sys.exit(main())
