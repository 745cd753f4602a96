"""Places that lack something: each gives the strongest layers left and says which are missing, or why nothing ran."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.library.children import run_child
from tests.probe.conftest import Build
from tests.probe.nasty import CLEAN, NASTY
from tests.probe.test_places import _environment
from tests.tools import needed

pytestmark = [pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox is Linux's")]

RUN = """\
import resource, sys
from loadstone.cli.main import main
from loadstone.probe.linux import process, seccomp
from loadstone.probe.linux.seccomp import SeccompRule, deny
library, code, calls, limits, *more = sys.argv[1:]
for limit in filter(None, limits.split(",")):
    name, value = limit.split("=")
    resource.setrlimit(getattr(resource, "RLIMIT_" + name), (int(value), int(value)))
if calls:
    process.forbid_new_privileges()
    seccomp.install(seccomp.compile_filter([SeccompRule(call, deny(int(code))) for call in calls.split(",")]))
main(["probe", "--fresh", "--cycles", "2", *more, library])
"""


def _probed(library: Path, code: int = 38, calls: str = "", limits: str = "", **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(library), str(code), calls, limits, "-v"],
        capture_output=True, text=True, check=False, cwd="/", env={**_environment(), **variables},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "code", [pytest.param(1, marks=pytest.mark.slow, id="forbidden"), pytest.param(38, id="missing")]
)
@pytest.mark.parametrize(
    ("calls", "layer"),
    [
        ("close_range", ""),
        ("pidfd_open", ""),
        ("pidfd_send_signal", ""),
        ("ptrace", "crash stop"),
        ("setns", "mounts"),
        ("mount", "mounts"),
        ("open_tree,move_mount", "mounts"),
        ("unshare", "namespaces"),
        ("seccomp", "seccomp"),
        ("landlock_restrict_self", "landlock"),
        ("flock", ""),
        ("process_vm_readv", ""),
        ("memfd_create", ""),
    ],
)
def test_a_missing_system_call_costs_its_layer_and_no_more(calls: str, layer: str, code: int, build: Build) -> None:
    status, text = _probed(build(CLEAN[0]), code, calls)
    assert status == 0, text
    assert layer in " ".join(line for line in text.splitlines() if "unavailable" in line), text


@pytest.mark.parametrize("calls", ["prctl", "pipe2", "mkdir,mkdirat", "umask"])
def test_where_nothing_can_run_the_reason_is_told(calls: str, build: Build) -> None:
    status, text = _probed(build(CLEAN[0]), 1, calls)
    assert status == 3, text
    assert "bug in Loadstone" not in text
    assert ": ." not in text, "an empty reason"


@pytest.mark.parametrize("limits", ["NOFILE=24", "NOFILE=64", "FSIZE=0", "CORE=0", "STACK=1048576"])
def test_low_limits_of_the_caller_are_no_findings(limits: str, build: Build) -> None:
    status, text = _probed(build(CLEAN[0]), limits=limits)
    assert status == 0, text


@pytest.mark.parametrize("folder", ["/nonexistent", "/proc", "relative", "/dev/null"])
def test_a_temporary_folder_that_takes_nothing_is_passed_over(folder: str, build: Build) -> None:
    status, text = _probed(build(CLEAN[0]), TMPDIR=folder)
    assert status == 0, text


def test_what_the_caller_ignores_the_library_meets_as_new(build: Build) -> None:
    """As under nohup: a signal the library sends itself ends it all the same."""
    library = build(next(case for case in NASTY if case.name == "hangs_up_on_itself"))
    code = """
        import signal, sys
        from loadstone.probe import probe
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        print(probe(sys.argv[1]).outcome)
    """
    assert run_child(code, library) == "crash"


@pytest.mark.parametrize("tool", ["probe", "fuzz"])
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("mount -t tmpfs none /proc", "there is no /proc here"),
        ("true", "that of another process namespace"),
    ],
    ids=["none", "another"],
)
def test_without_a_proc_of_its_own_nothing_is_run(tool: str, how: str, reason: str, build: Build) -> None:
    needed("unshare")
    library = build(CLEAN[0])
    options = "--fresh" if tool == "probe" else "'int answer(int n)' --time 1"
    command = ["unshare", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c"]
    if subprocess.run([*command, how], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    words = f"{how} && {sys.executable} -m loadstone {tool} {library} {options}"
    done = subprocess.run([*command, words], capture_output=True, text=True, check=False, env=_environment())
    assert done.returncode == 3, done.stdout
    assert reason in done.stderr
