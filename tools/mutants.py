"""Change one package in small ways, and list the changes that none of its tests notices: ``make mutants ONLY=core``.

mutmut makes the mutants and runs, for each, the tests that reach its function, in a forked process. It works on a copy
of the tree, so that the tree stays as it is. ``ONLY`` is a package or module under ``src/loadstone`` (``core``,
``review/analyses``, ``probe/judgement.py``); the tests are those of its folder under ``tests`` and of what is made of
it, without the slow ones. A large package is measured by a sample: ``make mutants ONLY=linker ARGS="--sample 200"``
draws that many at random.
"""

from __future__ import annotations

import argparse
import json
import os
import random
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
# The wording of a sentence is free to change, so no test pins it: a text of three words or more.
_SENTENCE: Final = r"""(?<![\w"'])f?["'][^"']*[a-z,:] [a-z{][^"']* [^"']*["']"""
_MADE_OF: Final = {
    "core": ("tests/binary", "tests/report", "tests/fuzz/test_heap.py"),
    "library": ("tests/headers", "tests/peers", "tests/bind"),
}
"""Tests that a package has besides those of its own folder."""
_MUTMUT: Final = (sys.executable, "-m", "mutmut")
_DIED: Final = ("killed", "timeout", "segfault")
_NONE: Final = "no mutant has this name"


def settings(only: str, tests: list[str]) -> str:
    """Mutmut's table for pyproject.toml."""
    pattern = f"src/loadstone/{only}" if only.endswith(".py") else f"src/loadstone/{only}/*"
    table = {
        "source_paths": ["src"],
        "only_mutate": [pattern],
        "process_isolation": "forkserver",  # a cache that the suite has filled would hide the mutant
        "do_not_mutate_patterns": [_SENTENCE],
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


def _results(scratch: str) -> list[tuple[str, str]]:
    """The name of each mutant and what became of it."""
    told = subprocess.run(
        [*_MUTMUT, "results", "--all", "true"], cwd=scratch, capture_output=True, text=True, check=False
    )
    return re.findall(r"^\s*(\S+): (.+)$", told.stdout, re.MULTILINE)


def _drawn(scratch: str, sample: int, seed: int) -> list[str]:
    """The names of that many mutants, drawn at random; all are made first, and none is run."""
    subprocess.run(
        [*_MUTMUT, "run", _NONE], cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    names = sorted(name for name, _ in _results(scratch))
    return random.Random(seed).sample(names, min(sample, len(names)))  # noqa: S311 - a sample, no secret


def main() -> int:
    """The status is 1 when fewer than 85 in a hundred die, or mutmut could not work."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("only", help="a package or module under src/loadstone")
    parser.add_argument("--tests", nargs="*", help="other test files or folders than those of the same name")
    parser.add_argument("--sample", type=int, metavar="N", help="run N of the mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=1, help="draw others")
    asked = parser.parse_args()
    package = asked.only.strip("/").split("/")[0]
    tests = asked.tests or [f"tests/{package}", *_MADE_OF.get(package, ())]
    with tempfile.TemporaryDirectory(prefix="loadstone-mutants-") as scratch:
        _copy(Path(scratch))
        with Path(scratch, "pyproject.toml").open("a") as file:
            file.write(settings(asked.only.strip("/"), tests))
        drawn = _drawn(scratch, asked.sample, asked.seed) if asked.sample else []
        status = subprocess.run([*_MUTMUT, "run", *drawn], cwd=scratch, check=False).returncode
        outcomes = [told for told in _results(scratch) if not drawn or told[0] in drawn]
        changes = _changes(scratch, outcomes)
    if status or not outcomes or all(outcome == "not checked" for _, outcome in outcomes):
        print("mutmut could not work; what it said stands above", file=sys.stderr)
        return status or 1
    return _report(outcomes, changes)


def _changes(scratch: str, outcomes: list[tuple[str, str]]) -> dict[str, str]:
    """The changed lines of each mutant that lived, as a diff."""
    lived = [name for name, outcome in outcomes if outcome == "survived"]
    diffs = {}
    for name in lived:
        shown = subprocess.run([*_MUTMUT, "show", name], cwd=scratch, capture_output=True, text=True, check=False)
        lines = re.findall(r"^[-+] .*$", shown.stdout, re.MULTILINE)
        diffs[name] = "\n".join(lines)
    return diffs


def _report(outcomes: list[tuple[str, str]], changes: dict[str, str]) -> int:
    died = sum(outcome in _DIED for _, outcome in outcomes)
    reached = sum(outcome != "no tests" for _, outcome in outcomes)
    for name, outcome in outcomes:
        if outcome not in _DIED:
            print("\n".join(filter(None, (f"{outcome}: {name}", changes.get(name)))))
    share = died / (reached or 1)
    print(f"{died} of {reached} mutants died ({share:.1%}); {len(outcomes) - reached} are in functions no test reaches")
    return int(share < _SHARE)


if __name__ == "__main__":
    sys.exit(main())
