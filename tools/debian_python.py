"""A second Python where Debian has one only: that of its next release, unpacked under ``build/pythons``.

``python -m tools.debian_python`` makes it and prints the folder of its programs. Nothing is installed: apt fetches the
packages with lists of its own, from the archive this machine uses, checked by Debian's keys; the interpreter is then
told (by patchelf) to run with the C library that came with it.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["made"]

_NEXT: Final = {"bookworm": ("trixie", "3.13"), "trixie": ("forky", "3.14")}
"""By its code name: the release behind it, and the Python that it has."""
_KEYS: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
_PLACE: Final = Path(__file__).parents[1] / "build/pythons"


def made() -> Path | None:
    """The folder with the interpreter, None where this machine cannot make one (why is told to stderr).

    Raises:
        subprocess.CalledProcessError: apt or another tool failed.
    """
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "") if sys.platform == "linux" else ""
    missing = [tool for tool in ("apt-get", "dpkg-deb", "patchelf") if shutil.which(tool) is None]
    if release not in _NEXT or missing:
        reason = f"{', '.join(missing)} is not here" if missing else f"it is known for {' and '.join(_NEXT)} only"
        print(f"no second Python is made: {reason}", file=sys.stderr)
        return None
    suite, version = _NEXT[release]
    root = _PLACE / suite
    programs = root / "usr/bin"
    if not (root / ".made").exists():
        shutil.rmtree(root, ignore_errors=True)
        _unpacked(suite, version, root)
        _at_home(version, root)
        (root / ".made").touch()
    return programs


def _unpacked(suite: str, version: str, root: Path) -> None:
    """The packages of a release, fetched beside this machine's own and unpacked."""
    apt = root / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    asked = ["apt-get", "indextargets", "--format", "$(SITE)", "Component: main", "Identifier: Packages"]
    archive = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[0]
    (apt / "sources.list").write_text(f"deb [signed-by={_KEYS}] {archive} {suite} main\n")
    options = {
        "Dir::State": apt / "state", "Dir::State::status": apt / "status", "Dir::Cache": apt / "cache",
        "Dir::Etc::sourcelist": apt / "sources.list", "Dir::Etc::sourceparts": "-", "Debug::NoLocking": "1",
        "APT::Sandbox::User": "root", "APT::Install-Recommends": "false",
    }  # fmt: skip
    command = ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    packages = [f"python{version}-venv", f"libpython{version}-dev"]
    subprocess.run([*command, "update"], check=True, stdout=sys.stderr)
    subprocess.run([*command, "install", "--yes", "--download-only", *packages], check=True, stdout=sys.stderr)
    for package in sorted((apt / "cache/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
    shutil.rmtree(apt)


def _at_home(version: str, root: Path) -> None:
    """Let it find its C library, its headers, and the wheels of its ensurepip where they are."""
    (loader,) = root.glob("usr/lib/*-linux-gnu*/ld-linux-*.so.*")
    interpreter = root / f"usr/bin/python{version}"
    told = ["--set-interpreter", str(loader), "--force-rpath", "--set-rpath", str(loader.parent)]
    subprocess.run(["patchelf", *told, str(interpreter)], check=True)
    (configuration,) = root.glob(f"usr/include/*-linux-gnu*/python{version}/pyconfig.h")
    configuration.replace(root / f"usr/include/python{version}/pyconfig.h")  # which would look for it in /usr/include
    for data in root.glob(f"usr/lib/python{version}/_sysconfigdata_*.py"):
        text = data.read_text()
        data.write_text(re.sub(r"(?<='WHEEL_PKG_DIR': ')(?=/usr/)", str(root), text))


if __name__ == "__main__":
    print(made() or "")
