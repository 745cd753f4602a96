"""Run the tests of what changed since the branch left ``main`` (or ``--since REVISION``): part of ``make check``.

A test file is run when it changed itself, or when it imports a module that changed. The slow ones are left to
``make test-all``, and so is everything that a change reaches by a longer way.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["main", "tests_of"]

_ENOUGH: Final = 25  # test files; a change that reaches more is for ``make test``


def _git(*words: str) -> list[str]:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.splitlines()


def _changed(since: str | None) -> set[Path]:
    base = since or next(iter(_git("merge-base", "HEAD", "main")))
    return {Path(name) for name in (*_git("diff", "--name-only", base), *_git("ls-files", "-o", "--exclude-standard"))}


def _module(path: Path) -> str:
    """The dotted name of a source file, ``tests.a.b`` or ``loadstone.a.b``."""
    parts = path.with_suffix("").parts
    parts = parts[1:] if parts[0] == "src" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tests_of(changed: set[Path], tests: list[Path]) -> list[Path]:
    """Which of the test files belong to these changes, those that changed themselves first."""
    modules = {_module(path) for path in changed if path.suffix == ".py"}
    own = [test for test in tests if test in changed]
    return own + [test for test in tests if test not in changed and modules & set(_imports(test))]


def main() -> int:
    """The status of pytest; 0 when no test belongs to what changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--since", help="a revision to compare with instead of where the branch left main")
    asked = parser.parse_args()
    chosen = tests_of(_changed(asked.since), sorted(Path("tests").rglob("test_*.py")))
    if not chosen:
        print("no test file imports what changed")
        return 0
    if len(chosen) > _ENOUGH:
        print(f"{len(chosen)} test files belong to what changed; the first {_ENOUGH} are run, make test runs all")
    files = [str(path) for path in chosen[:_ENOUGH]]
    options = ["--quiet", "--numprocesses=auto", "--dist=worksteal", "-m", "not slow"]
    return subprocess.run([sys.executable, "-m", "pytest", *options, *files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
