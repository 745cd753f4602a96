"""The probe where it is less at home: as an ordinary user, and where tracing, notification or Landlock is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.probe.conftest import Build
from tests.probe.nasty import CLEAN, NASTY, NOTICES_THE_TRACER, OUTSIDE, Case
from tests.tools import unavailable

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
RUN = """\
import json, sys
from loadstone.probe import probe, close_helpers
from loadstone.probe.linux import process, seccomp
from loadstone.probe.linux.seccomp import DENY, ArgumentTest, SeccompRule
from loadstone.report.documents.probe import probe_document
from loadstone.report.json import render
RULES = {
    "ptrace": [SeccompRule("ptrace", DENY)],
    "notification": [SeccompRule("seccomp", DENY, (ArgumentTest(0, 1), ArgumentTest(1, 8)))],
    "seccomp": [SeccompRule("seccomp", DENY)],
    "landlock": [SeccompRule("landlock_create_ruleset", DENY)],
    "namespaces": [SeccompRule("unshare", DENY)],
    "mounts": [SeccompRule("mount_setattr", DENY)],
}
forbidden = [rule for word in sys.argv[1].split(",") if word for rule in RULES[word]]
if forbidden:
    process.forbid_new_privileges()
    seccomp.install(seccomp.compile_filter(forbidden))
for path in sys.argv[2:]:
    print(render(probe_document(probe(path, timeout=float({timeout}), fresh=True)), indent=0))
close_helpers()
"""

CASES = {case.name: case for case in (*NASTY, *CLEAN)}
TRIED = (
    "empty",
    "initialised",
    "aborts",
    "exits_0",
    "execs",
    "hides_its_crash",
    "writes_outside",
    "daemonises",
    "closes_all_descriptors",
)
FORBIDDEN = {
    "ptrace": ("observers", "crash stop"),
    "notification": ("observers", "notification"),
    "seccomp": ("layers", "seccomp"),
    "landlock": ("layers", "landlock"),
    "namespaces": ("layers", "namespaces"),
    "mounts": ("layers", "mounts"),
}


def _environment() -> dict[str, str]:
    packages = [path for path in sys.path if path.endswith("-packages")]  # more than one: an environment on another
    return {
        "PATH": os.defpath,
        "PYTHONPATH": ":".join((str(ROOT / "src"), *packages)),
        "XDG_CACHE_HOME": "/nonexistent",
    }


@cache
def _interpreter(user: int | None) -> str | None:
    """An interpreter of our version that the user can run and that can import us and what we need."""
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        trial = f"import sys, msgspec, loadstone.probe.parent; assert sys.version_info[:2] == {sys.version_info[:2]}"
        command = [candidate, "-c", trial]
        who: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
        try:
            done = subprocess.run(command, env=_environment(), cwd="/", capture_output=True, check=False, **who)
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    return None


def _reports(paths: list[Path], forbidden: str = "", user: int | None = None) -> list[dict[str, Any]]:
    interpreter = _interpreter(user)
    if interpreter is None:
        message = f"no Python {sys.version_info[0]}.{sys.version_info[1]} that user {user} can run with our packages"
        unavailable("an interpreter for other users", message)
    who: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
    done = subprocess.run(
        [interpreter, "-c", RUN.replace("{timeout}", "20"), forbidden, *map(str, paths)],
        env=_environment(), cwd="/", capture_output=True, text=True, check=False, timeout=120, **who,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _check(case: Case, report: dict[str, Any]) -> None:
    watched = report["observers"].get(case.needs) == "active"
    expected = case.outcome if watched or case.or_outcome is None else case.or_outcome
    assert report["outcome"] == expected, (case.name, report)
    assert report["phase"] in (case.phase, *case.or_phase), (case.name, report)
    if watched:
        for kind, word in case.seen.items():
            assert any(o["kind"] == kind and word in o["detail"] for o in report["observations"]), (case.name, report)
    if case in CLEAN:
        assert report["observations"] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="the tests run as an ordinary user already")
def test_an_ordinary_user_gets_the_same_answers(build: Build) -> None:
    cases = [CASES[name] for name in TRIED]
    reports = _reports([build(case) for case in cases], user=NOBODY)
    for case, report in zip(cases, reports, strict=True):
        _check(case, report)
        assert report["layers"]["no_new_privs"].startswith("active")
        assert report["layers"]["user"].startswith("degraded: runs as the calling user 65534")


@pytest.mark.parametrize("forbidden", [*FORBIDDEN, "ptrace,notification,landlock,namespaces"])
def test_what_is_forbidden_is_told_and_the_rest_still_works(forbidden: str, build: Build) -> None:
    cases = [CASES[name] for name in TRIED]
    reports = _reports([build(case) for case in cases], forbidden)
    OUTSIDE.unlink(missing_ok=True)  # without Landlock it can be written
    for case, report in zip(cases, reports, strict=True):
        for word in forbidden.split(","):
            group, name = FORBIDDEN[word]
            assert report[group][name].startswith("unavailable: "), (word, report)
        _check(case, report)


def test_a_library_that_looks_for_a_tracer_is_found_out_where_it_can_see_one(build: Build) -> None:
    (report,) = _reports([build(NOTICES_THE_TRACER)], "mounts")
    _check(NOTICES_THE_TRACER, report)


def test_a_library_that_looks_for_a_tracer_sees_none_in_a_tree_of_its_own(build: Build) -> None:
    (report,) = _reports([build(NOTICES_THE_TRACER)])
    if report["layers"]["mounts"].startswith("active"):
        assert report["outcome"] == "ok"
