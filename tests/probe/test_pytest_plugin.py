"""The fixture for test suites of others: passes, fails and skips as its promise says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.probe.conftest import Build
from tests.probe.nasty import CLEAN, NASTY

CASES = {case.name: case for case in (*CLEAN, *NASTY)}


def _run(folder: Path, body: str) -> str:
    (folder / "test_it.py").write_text(f"def test_it(loadstone_probe):\n    {body}\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rs",
        "-p",
        "loadstone.probe.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "test_it.py",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ}).stdout


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("empty", "", "1 passed"),
        ("aborts", "", "it crashed during load"),
        ("changes_the_umask", "", "umask"),
        ("changes_the_umask", ", allow=['umask-changed']", "1 passed"),
        ("marked_nodelete", "", "1 passed"),
        ("marked_nodelete", ", fail_on='low'", "still mapped after unload"),
    ],
)
def test_the_fixture_judges_a_library(name: str, options: str, expected: str, build: Build, tmp_path: Path) -> None:
    assert expected in _run(tmp_path, f"loadstone_probe({str(build(CASES[name]))!r}{options})")


def test_the_fixture_skips_what_cannot_be_run(build: Build, tmp_path: Path) -> None:
    path = str(build(CASES["empty"]))
    assert "no-such-layer" in _run(tmp_path, f"loadstone_probe({path!r}, require=['no-such-layer'])")
