"""Real libraries of other platforms: wheels, fetched once into a cache outside the repository.

``python -m tests.wheels`` fetches all of them. A wheel that cannot be had skips the test loudly, and fails it in CI.
Versions are pinned, so that what a test counts stays what it is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["CACHE", "MACOS", "WINDOWS", "members", "wheel"]

CACHE = Path(os.environ.get("LOADSTONE_TEST_CACHE", Path.home() / ".cache" / "loadstone-tests"))

WINDOWS = (
    ("cffi", "2.1.1", "win_amd64"),
    ("cffi", "2.1.1", "win32"),
    ("cffi", "2.1.1", "win_arm64"),
    ("cryptography", "46.0.3", "win_arm64"),
    ("cryptography", "48.0.1", "win32"),
    ("lxml", "6.1.3", "win_amd64"),
    ("markupsafe", "3.0.4", "win_arm64"),
    ("msgspec", "0.22.0", "win_amd64"),
    ("msgspec", "0.22.0", "win_arm64"),
    ("numpy", "2.4.6", "win_amd64"),
    ("pillow", "13.0.0", "win_amd64"),
    ("psutil", "7.1.1", "win32"),
    ("pydantic-core", "2.50.4", "win_amd64"),
    ("PyQt6-Qt6", "6.11.2", "win_amd64"),
    ("pyyaml", "6.0.3", "win_amd64"),
)

MACOS = (
    ("cffi", "2.1.1", "macosx_11_0_arm64"),
    ("cryptography", "48.0.1", "macosx_10_9_universal2"),
    ("lxml", "6.1.3", "macosx_10_9_universal2"),
    ("lxml", "6.1.3", "macosx_10_9_x86_64"),
    ("markupsafe", "3.0.4", "macosx_10_9_x86_64"),
    ("msgspec", "0.22.0", "macosx_11_0_arm64"),
    ("numpy", "2.4.6", "macosx_10_9_x86_64"),
    ("numpy", "2.4.6", "macosx_11_0_arm64"),
    ("pillow", "13.0.0", "macosx_11_0_arm64"),
    ("psutil", "7.2.2", "macosx_11_0_arm64"),
    ("pydantic-core", "2.50.4", "macosx_10_12_x86_64"),
    ("pydantic-core", "2.50.4", "macosx_11_0_arm64"),
    ("PyQt6-Qt6", "6.11.2", "macosx_11_0_arm64"),
    ("pyyaml", "6.0.3", "macosx_11_0_arm64"),
)

_PYTHON = "311"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def wheel(name: str, version: str, platform: str) -> Path:
    """The wheel of that exact version for a platform tag such as ``win_amd64``; fetched when it is not there yet."""
    found = _cached(name, version, platform)
    if found is None:
        said = _fetch(name, version, platform)
        found = _cached(name, version, platform)
        if found is None:
            message = f"the wheel {name} {version} for {platform} cannot be had: {said}"
            from tests.tools import unavailable  # not above: benchmarks fetch as well, without a test runner

            unavailable("the package index", message)
    return found


def members(path: Path, *suffixes: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file in a wheel that ends in one of ``suffixes``, in archive order."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith(suffixes):
                yield entry.filename, archive.read(entry)


def _cached(name: str, version: str, platform: str) -> Path | None:
    wheels = (CACHE / "wheels").glob(f"*-{version}-*.whl")
    return next((w for w in wheels if _names(w, name) and platform in w.stem.rpartition("-")[2].split(".")), None)


def _names(path: Path, name: str) -> bool:
    return _normal(path.name.split("-")[0]) == _normal(name)


def _fetch(name: str, version: str, platform: str) -> str:
    """Ask pip once; its last words when it could not."""
    folder = CACHE / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--python-version", _PYTHON, "--platform", platform]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), f"{name}=={version}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    except subprocess.TimeoutExpired:
        return "pip did not finish within 600 s"
    return (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]


if __name__ == "__main__":
    for pinned in (*WINDOWS, *MACOS):
        print(wheel(*pinned))
