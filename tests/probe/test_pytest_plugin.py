"""The fixture for test suites of others: passes, fails and skips as its promise says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.probe.conftest import Build
from tests.probe.nasty import CLEAN, NASTY

LIBRARIES = {case.name: case for case in (*CLEAN, *NASTY)}
TESTS = {
    "clean": ("empty", "", "PASSED"),
    "crash": ("aborts", "", "FAILED.*it crashed during load"),
    "finding": ("changes_the_umask", "", "FAILED.*umask"),
    "accepted": ("changes_the_umask", ", allow=['umask-changed']", "PASSED"),
    "mild": ("marked_nodelete", "", "PASSED"),
    "strict": ("marked_nodelete", ", fail_on='low'", "FAILED.*still mapped after unload"),
    "unconfined": ("empty", ", require=['no-such-layer']", "SKIPPED.*no-such-layer"),
}


@pytest.fixture(scope="module")
def outcomes(build: Build, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a test suite of somebody else prints."""
    folder = tmp_path_factory.mktemp("suite")
    bodies = [
        f"def test_{name}(loadstone_probe):\n    loadstone_probe({str(build(LIBRARIES[library]))!r}{options})\n"
        for name, (library, options, _) in TESTS.items()
    ]
    Path(folder, "test_it.py").write_text("\n".join(bodies))
    command = [sys.executable, "-m", "pytest", "-p", "loadstone.probe.pytest_plugin", "-p", "no:cacheprovider"]
    quiet = ["--tb=no", "-rA", "-q", "test_it.py"]
    wide = {**os.environ, "COLUMNS": "1000"}  # pytest cuts its summary to the terminal
    return subprocess.run(command + quiet, cwd=folder, capture_output=True, text=True, check=False, env=wide).stdout


@pytest.mark.parametrize("name", TESTS)
def test_the_fixture_judges_a_library(name: str, outcomes: str) -> None:
    expected = TESTS[name][2].split(".*")
    lines = [line for line in outcomes.splitlines() if re.search(rf"test_{name}\b", line) or "SKIPPED" in line]
    assert any(all(word in line for word in expected) for line in lines), outcomes
