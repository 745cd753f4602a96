"""Run the tests on each Python from 3.11 on that this machine has, a line each; ``make test-pythons``.

Looked for are ``python3.N`` on PATH and in the folders of pyenv, uv, Homebrew and /opt, each version once, the newest
patch release of it. Its environment lies in ``.venv-3.N`` and is set up from the lock like every other.
"""

from __future__ import annotations

import glob
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Final

__all__ = ["found", "main"]

_LEAST: Final = (3, 11)
_PLACES: Final = (
    "~/.pyenv/versions/*/bin",
    "~/.local/share/uv/python/*/bin",
    "~/.local/bin",
    "/opt/homebrew/bin",
    "/usr/local/bin",
    "/usr/bin",
    "/opt/python*/bin",
)
_ASK: Final = "import sys, venv, ensurepip; print(sys.version.split()[0], sys.implementation.name)"


def found(folders: Iterable[str]) -> dict[tuple[int, int], tuple[str, str]]:
    """Minor version -> (full version, interpreter), the newest of each minor version that can make an environment."""
    best: dict[tuple[int, int], tuple[tuple[int, ...], str, str]] = {}
    for path in sorted({os.path.realpath(p) for f in folders for p in glob.glob(f"{glob.escape(f)}/python3.*")}):
        if not re.fullmatch(r"python3\.\d+", os.path.basename(path)) or not os.access(path, os.X_OK):
            continue
        asked = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, check=False)
        version, _, kind = asked.stdout.strip().partition(" ")
        numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:3])
        if asked.returncode or kind != "cpython" or numbers < _LEAST:
            continue
        minor = (numbers[0], numbers[1])
        best[minor] = max(best.get(minor, ((), "", "")), (numbers, version, path))
    return {minor: (version, path) for minor, (_, version, path) in sorted(best.items())}


def _folders() -> list[str]:
    on_path = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    return on_path + [folder for place in _PLACES for folder in glob.glob(os.path.expanduser(place))]


def main(arguments: list[str]) -> int:
    """The status is 1 when the tests fail on any of them, or when there is none."""
    pythons = found(_folders())
    lines, failed = [], not pythons
    for (major, minor), (version, path) in pythons.items():
        print(f"=== Python {version}: {path}", flush=True)
        started = time.monotonic()
        words = f"ARGS={' '.join(arguments)}"
        command = ["make", "--no-print-directory", "test", f"PYTHON={path}", f"VENV=.venv-{major}.{minor}", words]
        status, said = _run(command)
        failed = failed or status != 0
        result = next(
            (line.strip("= ") for line in reversed(said) if re.search(r"passed|failed|error", line)), "no tests"
        )
        lines.append(
            f"Python {version}: {'failed' if status else 'passed'} in {time.monotonic() - started:.0f} s; {result}"
        )
    print(*lines or ["no Python from 3.11 on was found"], sep="\n")
    return int(failed)


def _run(command: list[str]) -> tuple[int, list[str]]:
    """Its status and its last lines, shown as they come."""
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            lines = [*lines[-20:], line.rstrip()]
    return running.returncode, lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
