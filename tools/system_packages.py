"""The programs and libraries the tests ask for, and the system packages that bring them: one table for all managers.

``python -m tools.system_packages`` installs what is missing here; ``--print`` only says how. Python's standard library
is enough to run it. Privileges are asked for (sudo) only when something is to be installed by another user than root.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Collection, Iterable
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
    return any(Path(folder, name).exists() for folder in ("/usr/local/include", "/usr/include"))


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


_BINUTILS: Final = ("ar", "c++filt", "nm", "objcopy", "objdump", "readelf", "strip")

TOOLS: Final = (
    Tool("gcc", "gcc libc6-dev", "gcc glibc-devel", "gcc musl-dev", "gcc"),
    Tool("g++", "g++", "gcc-c++", "g++", "gcc"),
    Tool("gcc -fsanitize=address", "gcc", "gcc libasan libubsan", there=_compiles),
    Tool("make", "make", "make", "make", "make"),
    Tool("git", "git", "git", "git", "git"),
    *(Tool(name, "binutils", "binutils", "binutils", "binutils") for name in _BINUTILS),
    Tool("patchelf", "patchelf", "patchelf", "patchelf", "patchelf"),
    Tool("strace", "strace", "strace", "strace"),
    Tool("ldconfig", "libc-bin", "glibc"),
    Tool("setpriv", "util-linux", "util-linux", "setpriv"),
    Tool("unshare", "util-linux", "util-linux", "util-linux"),
    Tool("lz4", "lz4", "lz4", "lz4", "lz4"),
    Tool("/lib/ld-musl-x86_64.so.1", "musl", "musl-libc", "musl", there=_file),
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
    return tuple(dict.fromkeys(word for tool in tools for word in getattr(tool, manager.name).split()))


def _commands(manager: Manager, wanted: Collection[str]) -> list[list[str]]:
    privileged = ["sudo"] if manager.as_root and os.geteuid() else []
    updates = [[*privileged, manager.command, *manager.first]] if manager.first else []
    return [*updates, [*privileged, manager.command, *manager.install, *wanted]]


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
    for command in _commands(manager, packages(manager, missing)):
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
