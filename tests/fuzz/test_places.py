"""Fuzzing where it is less at home: tracing, Landlock, seccomp refused by an outer filter, and as an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.conftest import Compile
from tests.probe.test_places import NOBODY, _environment, _interpreter

SOURCE = """
int overread(const unsigned char *d, unsigned long n) {
    int s = 0;
    if (n >= 4) for (unsigned long i = 0; i <= n; i++) s += d[i];
    return s;
}
"""
RUN = """\
import sys
from loadstone.fuzz import fuzz
from loadstone.probe.linux import process, seccomp
from loadstone.probe.linux.seccomp import DENY, SeccompRule
from loadstone.report.documents.fuzz import fuzz_document
from loadstone.report.json import render
forbidden = [SeccompRule(call, DENY) for call in sys.argv[2].split(",") if call]
if forbidden:
    process.forbid_new_privileges()
    seccomp.install(seccomp.compile_filter(forbidden))
prototype = "int overread(const unsigned char *data, unsigned long size)"
print(render(fuzz_document(fuzz(sys.argv[1], prototype, time_s=60, first=True))))
"""


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "liboverread.so", "-O1", "-w")


def fuzzed(library: Path, forbidden: str = "", python: str = sys.executable, **who: Any) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-c", RUN, str(library), forbidden], capture_output=True, text=True, check=False, cwd="/",
        env=_environment(), **who,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("forbidden", "group", "name"),
    [
        ("ptrace", "observers", "coverage"),
        ("ptrace", "observers", "crash stop"),
        ("landlock_create_ruleset", "layers", "landlock"),
        ("seccomp", "layers", "seccomp"),
    ],
)
def test_what_is_refused_is_told_and_the_search_goes_on(forbidden: str, group: str, name: str, library: Path) -> None:
    report = fuzzed(library, forbidden)
    assert report[group][name].startswith("unavailable: ")
    (found,) = report["findings"]
    seen = "SIGSEGV" if forbidden == "ptrace" else "heap-buffer-overflow"  # whose memory it was is seen by tracing
    assert (found["kind"], found["repeated"]) == (seen, 3)


def test_nothing_but_what_asks_for_namespaces_is_missing_where_nothing_is_refused(library: Path) -> None:
    report = fuzzed(library)
    missing = {name for name, state in (report["observers"] | report["layers"]).items() if "unavailable" in state}
    assert missing <= {"namespaces", "mounts", "user"}
    if os.geteuid() == 0:
        assert report["layers"]["user"].startswith("active: became user ")


@pytest.mark.slow
def test_an_ordinary_user_finds_the_same(library: Path) -> None:
    if os.geteuid() != 0:
        assert fuzzed(library)["findings"]
        return
    python = _interpreter(NOBODY)
    assert python, "no interpreter that another user can run"
    with TemporaryDirectory() as folder:  # pytest's own is closed to others
        Path(folder).chmod(0o755)
        copy = Path(shutil.copy(library, folder))
        report = fuzzed(copy, python=python, user=NOBODY, group=NOBODY, extra_groups=[])
    assert report["findings"][0]["guard"] == "over"
    assert report["layers"]["user"].startswith("degraded: runs as the calling user")
