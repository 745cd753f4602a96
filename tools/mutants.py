"""Change one package in small ways, and list the changes that none of its tests notices: ``make mutants ONLY=core``.

mutmut makes the mutants and runs, for each, the tests that reach its function, in a forked process. It works on a copy
of the tree, so that the tree stays as it is. ``ONLY`` is a package or module under ``src/loadstone`` (``core``,
``review/analyses``, ``probe/judgement.py``); the tests are those of its folder under ``tests``, without the slow ones.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["main", "settings"]

_OPTIONS: Final = ("-p", "no:randomly", "-p", "no:cacheprovider", "-m", "not slow and not real")
_SHARE: Final = 0.85  # of the mutants in pure functions that should die


def settings(only: str, tests: list[str]) -> str:
    """Mutmut's table for pyproject.toml."""
    pattern = f"src/loadstone/{only}" if only.endswith(".py") else f"src/loadstone/{only}/*"
    table = {
        "source_paths": ["src"],
        "only_mutate": [pattern],
        "also_copy": ["conftest.py", "tools", "examples", "docs", "fuzz", "README.md"],
        "pytest_add_cli_args": list(_OPTIONS),
        "pytest_add_cli_args_test_selection": tests,
    }
    return "\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())


def _copy(target: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True
    )
    for name in filter(os.path.isfile, listed.stdout.splitlines()):
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, place)
    for built in Path("src").rglob("*.so"):  # the extension is used as it was built
        shutil.copy(built, target / built)


def main() -> int:
    """The status is 1 when fewer than 85 in a hundred die, or mutmut could not work."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("only", help="a package or module under src/loadstone")
    parser.add_argument("--tests", nargs="*", help="other test files or folders than those of the same name")
    asked = parser.parse_args()
    folder = f"tests/{asked.only.split('/')[0]}"
    with tempfile.TemporaryDirectory(prefix="loadstone-mutants-") as scratch:
        _copy(Path(scratch))
        with Path(scratch, "pyproject.toml").open("a") as file:
            file.write(settings(asked.only.strip("/"), asked.tests or [folder]))
        run = [sys.executable, "-m", "mutmut"]
        status = subprocess.run([*run, "run"], cwd=scratch, check=False).returncode
        told = subprocess.run(
            [*run, "results", "--all", "true"], cwd=scratch, capture_output=True, text=True, check=False
        )
    outcomes = re.findall(r"^\s*(\S+): (.+)$", told.stdout, re.MULTILINE)
    if status or not outcomes or all(outcome == "not checked" for _, outcome in outcomes):
        print(told.stdout, told.stderr, sep="")
        return status or 1
    return _report(outcomes)


def _report(outcomes: list[tuple[str, str]]) -> int:
    died = sum(outcome in ("killed", "timeout", "segfault") for _, outcome in outcomes)
    reached = sum(outcome != "no tests" for _, outcome in outcomes)
    for name, outcome in outcomes:
        if outcome not in ("killed", "timeout", "segfault"):
            print(f"{outcome}: {name}")
    share = died / (reached or 1)
    print(f"{died} of {reached} mutants died ({share:.1%}); {len(outcomes) - reached} are in functions no test reaches")
    return int(share < _SHARE)


if __name__ == "__main__":
    sys.exit(main())
