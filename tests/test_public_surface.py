"""The public names are pinned: adding one is a decision, losing one is a break."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import loadstone

NAMES = [
    "Closed",
    "Evidence",
    "Examination",
    "Explanation",
    "Finding",
    "Image",
    "InUse",
    "InvalidName",
    "InvalidPrototype",
    "Library",
    "LoadFailed",
    "LoadHint",
    "LoadstoneError",
    "MalformedImage",
    "NotFound",
    "NotVerified",
    "Plugin",
    "Policy",
    "ProbeFailed",
    "SymbolNotFound",
    "Trace",
    "Undecided",
    "UnloadOutcome",
    "Unreadable",
    "Unsupported",
    "Verdict",
    "WrongSymbolKind",
    "catalog",
    "examine",
    "explain",
    "find",
    "loaded_libraries",
    "read",
]


def test_the_everyday_names_are_these() -> None:
    assert loadstone.__all__ == NAMES
    assert set(NAMES) <= set(dir(loadstone))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_had(name: str) -> None:
    assert getattr(loadstone, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        loadstone.nonsense  # noqa: B018


def imported_by(statement: str) -> set[str]:
    """The modules a fresh interpreter has after ``statement``."""
    code = f"import sys; {statement}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_loadstone_imports_none_of_its_parts() -> None:
    assert {m for m in imported_by("import loadstone") if m.startswith("loadstone")} == {
        "loadstone",
        "loadstone.lazy_exports",
    }


@pytest.mark.parametrize("package", ["loadstone.binary", "loadstone.linker", "loadstone.plugin", "loadstone.review"])
def test_reading_imports_neither_the_loader_nor_a_way_to_start_programs(package: str) -> None:
    modules = imported_by(f"import {package}")
    assert not modules & {"ctypes", "_ctypes", "subprocess", "socket", "loadstone.library", "loadstone.probe"}


WITHOUT_DEPENDENCIES = """
import re, sys
from importlib.metadata import requires
names = {re.match(r"[\\w.-]+", r)[0] for r in requires("loadstone") if "extra ==" not in r}
for name in names:
    sys.modules[name.replace("-", "_")] = None
sys.modules["backports"] = None
from loadstone import Library
from loadstone.errors import LoadFailed, NotFound
c = Library("c", 6).load()
names = c.declare("int abs(int n); typedef int (*compare)(const int *, const int *);"
                  "void qsort(int *base, unsigned long n, unsigned long size, compare f);")
from array import array
numbers = array("i", [3, 1, 2])
names.qsort(numbers, 3, 4, names.compare(lambda a, b: a[0] - b[0]))
assert (names.abs(-3), numbers.tolist()) == (3, [1, 2, 3])
for wrong, kind in (("nosuch-library-at-all", NotFound), (sys.argv[1], LoadFailed)):
    try:
        Library(wrong).load()
    except kind as error:
        print(type(error).__name__)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the example is glibc's")
def test_a_binding_runs_where_no_dependency_is_installed(tmp_path: Path) -> None:
    bad = tmp_path / "libbad.so"
    bad.write_bytes(b"no library")
    done = subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT_DEPENDENCIES, str(bad)], capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["NotFound", "LoadFailed"], "")
