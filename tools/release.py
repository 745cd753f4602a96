"""Build what a release would publish and try it as a stranger would: ``python -m tools.release [--output DIR]``.

The source distribution and the wheel without the extension are built, checked, and installed by themselves into fresh
environments where no compiler can be found; there the main jobs run. Fails at the first thing that is not as it should.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from venv import create

ROOT = Path(__file__).parent.parent
WANTED = (
    "tests/conftest.py",
    "docs/design.md",
    "examples/zlib_checksum.py",
    "CHANGELOG.md",
    "Makefile",
    "locks/run.txt",
    "share/man/man1/loadstone.1",
)
"""Files that must be in the source distribution: who packages it wants to test it and read about it."""

INSTALLED = (
    "share/man/man1/loadstone.1",
    "share/bash-completion/completions/loadstone",
    "share/zsh/site-functions/_loadstone",
)
"""Files beside the package, below the prefix of the environment."""

SMOKE = (
    ("-m", "loadstone", "--version"),
    ("-m", "loadstone", "find", "c"),
    ("-m", "loadstone", "inspect", "{python}"),
    ("-m", "loadstone", "explain", "{python}"),
    ("-c", "from loadstone import Library; assert Library('c').function('int abs(int)')(-5) == 5"),
)
"""What is run with the interpreter of the fresh environment; ``{python}`` is that interpreter's own file."""


def run(*words: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
    """Run a program, show it, and stop when it fails."""
    print("+", *words, flush=True)
    subprocess.run(words, check=True, env=env, cwd=cwd)


def built(output: Path) -> tuple[Path, Path]:
    """The source distribution and the pure wheel, made into ``output``."""
    pure = os.environ | {"LOADSTONE_PURE": "1"}
    run(sys.executable, "-m", "build", "--outdir", output, ROOT, env=pure)
    (source,), (wheel,) = output.glob("*.tar.gz"), output.glob("*-none-any.whl")
    run(sys.executable, "-m", "twine", "check", "--strict", source, wheel)
    return source, wheel


def missing_from(source: Path) -> list[str]:
    """Files that the source distribution should have and does not."""
    with tarfile.open(source) as archive:
        there = {name.partition("/")[2] for name in archive.getnames()}
    return [name for name in WANTED if name not in there]


def tried(package: Path, folder: Path) -> None:
    """Install one package into a fresh environment without a compiler, and use it there."""
    create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    bare = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k not in ("CC", "CXX")}
    bare |= {"PATH": str(python.parent), "CC": "no-compiler-here"}
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package, env=bare)
    for name in INSTALLED:
        if not (folder / name).is_file():
            sys.exit(f"{package.name} does not install {name}")
    for words in SMOKE:
        run(python, *(word.format(python=python.resolve()) for word in words), env=bare, cwd=folder)


def main() -> int:
    """Build, check, install, use."""
    parser = ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="DIR", help="where the files go [dist]")
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    for old in output.iterdir():
        old.unlink()
    source, wheel = built(output)
    lacking = missing_from(source)
    if lacking:
        print(f"not in the source distribution: {', '.join(lacking)}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        tried(wheel, Path(name, "wheel"))
        tried(source, Path(name, "source"))
    print(f"ready: {wheel.name}, {source.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
