"""Run the tests of the library part on each Python from 3.11 on that this machine has; ``make test-pythons``.

Looked for are ``python3.N``, ``python3.Nt`` (free-threaded) and ``pypy3.N`` on PATH and in the folders of pyenv, uv,
Homebrew and /opt, each kind once, the newest patch release of it. Its environment lies in ``.venv-NAME`` and is set up
from ``locks/library.txt``. ``--only NAME`` takes one, ``--most N`` the newest and the oldest ones up to N. ``--make``
brings the Python of Debian's next release where only one was found.
"""

from __future__ import annotations

import argparse
import glob
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools import debian_python

__all__ = ["Interpreter", "chosen", "found", "main"]

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
_NAME: Final = re.compile(r"python3\.\d+t?|pypy3\.\d+")
_ASK: Final = (
    "import sys, sysconfig, venv, ensurepip;"
    "print(sys.version.split()[0], sys.implementation.name, 't' * bool(sysconfig.get_config_var('Py_GIL_DISABLED')))"
)
_TESTS: Final = ("tests/library", "tests/headers", "tests/peers", "tests/bind")
"""Loading, calling, declaring and binding: what needs nothing but Python (docs/decisions/0024)."""


@dataclass(frozen=True, slots=True, order=True)
class Interpreter:
    """One kind of Python: the version in numbers, its name (``3.13``, ``3.13t``, ``pypy3.11``), and where it is."""

    numbers: tuple[int, ...]
    name: str
    path: str

    @property
    def version(self) -> str:
        return ".".join(map(str, self.numbers))


def found(folders: Iterable[str]) -> list[Interpreter]:
    """The newest of each kind that can make an environment, the oldest kind first."""
    best: dict[str, Interpreter] = {}
    candidates = {os.path.realpath(p) for f in folders for p in glob.glob(f"{glob.escape(f)}/p*3.*")}
    for path in sorted(candidates):
        if not _NAME.fullmatch(os.path.basename(path)) or not os.access(path, os.X_OK):
            continue
        asked = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, check=False)
        version, kind, threads = (*asked.stdout.split(), "", "", "")[:3]
        numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:3])
        if asked.returncode or kind not in ("cpython", "pypy") or numbers < _LEAST:
            continue
        name = f"{kind.removeprefix('cpython')}{numbers[0]}.{numbers[1]}{threads}"
        best[name] = max(best.get(name, Interpreter((), "", "")), Interpreter(numbers, name, path))
    return sorted(best.values())


def chosen(pythons: Sequence[Interpreter], most: int) -> list[Interpreter]:
    """At most so many: the newest first, then the oldest, then those between."""
    if most >= len(pythons):
        return list(pythons)
    ends = [*pythons[-1:], *pythons[:1], *reversed(pythons[1:-1])]
    return sorted(ends[:most])


def _folders() -> list[str]:
    on_path = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    return on_path + [folder for place in _PLACES for folder in glob.glob(os.path.expanduser(place))]


def main(arguments: list[str]) -> int:
    """The status is 1 when the tests fail on any of them, or when there is none."""
    parser = argparse.ArgumentParser(prog="python -m tools.pythons", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", metavar="NAME", help="one Python by its name: 3.12, 3.13t, pypy3.11")
    parser.add_argument("--most", metavar="N", type=int, default=99, help="the newest and the oldest ones, up to N")
    parser.add_argument("--make", action="store_true", help="unpack a second one, of Debian, where there is one only")
    options, further = parser.parse_known_args(arguments)
    folders = _folders()
    if options.make and len(found(folders)) < 2 and (programs := debian_python.made()):
        folders.append(str(programs))
    pythons = [one for one in found(folders) if options.only in (None, one.name)]
    lines, failed = [], not pythons
    for python in chosen(pythons, options.most):
        print(f"=== Python {python.name} ({python.version}): {python.path}", flush=True)
        started = time.monotonic()
        status, said = _tested(python, further)
        failed = failed or status != 0
        result = next((line.strip("= ") for line in reversed(said) if re.search(r"passed|failed|error", line)), "")
        words = f"{'failed' if status else 'passed'} in {time.monotonic() - started:.0f} s; {result or 'no tests'}"
        lines.append(f"Python {python.name} ({python.version}): {words}")
    if len(pythons) == 1 and not options.only:
        lines.append("no second Python was found; pyenv, uv or a package such as python3.13 brings one")
    print(*lines or ["no Python from 3.11 on was found"], sep="\n")
    return int(failed)


def _tested(python: Interpreter, further: Sequence[str]) -> tuple[int, list[str]]:
    """Set its environment up, and run the tests in it."""
    folder = f".venv-{python.name}"
    own = f"{folder}/bin/python"
    pip = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = [
        [python.path, "-m", "venv", *_cleared(folder, python), folder],
        [*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", "locks/library.txt"],
        [*pip, "--no-deps", "--no-build-isolation", "--editable", "."],
        [own, "-m", "pytest", "--numprocesses", "auto", "-m", "not slow", *_TESTS, *further],
    ]
    said: list[str] = []
    for step in steps:
        status, said = _run(step)
        if status:
            return status, [*said, f"error: {' '.join(step)}"]
    return 0, said


def _cleared(folder: str, python: Interpreter) -> list[str]:
    """What makes an environment anew that another Python of the same name has made."""
    made = Path(folder, "pyvenv.cfg")
    own = f"home = {os.path.dirname(python.path)}\n"
    return ["--clear"] if made.exists() and own not in made.read_text(encoding="utf-8") else []


def _run(command: list[str]) -> tuple[int, list[str]]:
    """Its status and its last lines, shown as they come."""
    lines: list[str] = []
    environment = {name: value for name, value in os.environ.items() if name != "CI"}  # what has no file there is told
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            lines = [*lines[-20:], line.rstrip()]
    return running.returncode, lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
