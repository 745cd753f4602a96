"""Resolve every environment of ours for all platforms and Pythons at once, and write it down by version and digest.

The files under ``locks/`` are what the Makefile installs from. They name no server: whoever installs has one set up.
``python -m tools.lock`` keeps what is pinned where it can; ``--upgrade`` takes the newest of everything.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

__all__ = ["LOCKS", "main"]

LOCKS: Final = {
    "run": (),
    "development": ("--all-extras", "--group=lint", "--group=test"),
    "library": ("--group=library-test",),
    "mutants": ("--all-extras", "--group=lint", "--group=test", "--group=mutants"),
    "fuzz": ("--group=fuzz",),
    "bench": ("--extra=fuzz", "--extra=fleet", "--extra=cffi", "--group=bench"),
    "docs": ("--extra=fleet", "--group=docs"),
    "lock": ("--group=lock",),
    "release": ("--group=release",),
}
"""Which extras and groups of pyproject.toml each file holds, besides what Loadstone needs to be built and to run."""

_ALONE: Final = ("library",)
"""Without what Loadstone needs to run: the library part promises to need nothing (docs/decisions/0024)."""

_FORM: Final = ("--universal", "--generate-hashes", "--python-version=3.11", "--no-header", "--quiet")


def main(arguments: list[str]) -> int:
    """Write them all; stop at the first that has no answer."""
    for name, chosen in LOCKS.items():
        target = f"locks/{name}.txt"
        print(target, flush=True)
        words = [*_FORM, "--group=build", *chosen, f"--output-file={target}", *arguments]
        project = () if name in _ALONE else ("pyproject.toml",)
        command = [sys.executable, "-m", "uv", "pip", "compile", *project, *words]
        if status := subprocess.run(command, check=False).returncode:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
