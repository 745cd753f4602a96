"""Callers of probe and fuzz that are killed at any moment: no process of theirs lives on, no folder stays.

The driver adopts whatever its callers leave behind (a subreaper): when it has no child left, nobody is left.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.probe.conftest import Build
from tests.probe.nasty import CLEAN, Case
from tests.probe.test_places import NOBODY, _environment, _interpreter
from tests.scale import FULL
from tests.tools import unavailable

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are adopted on Linux only"),
]

KILLS = 200 if FULL else 40
"""Of probe and fuzz together, as each user."""
DRIVER = """\
import ctypes, json, os, random, signal, subprocess, sys, time
seed, kills, folder, *command = sys.argv[1:]
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
chance = random.Random(int(seed))
began = time.monotonic()
subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
whole = time.monotonic() - began
for _ in range(int(kills)):
    caller = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(chance.random() * whole)
    caller.kill()
    caller.wait()
def somebody_lives():
    until = time.monotonic() + 60  # on a busy machine
    while time.monotonic() < until:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(0.05)
        except ChildProcessError:
            return False
    return True
left = somebody_lives()
swept = sorted(os.listdir(folder))
subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
left = somebody_lives() or left  # the helpers of the last one tidy up when it has ended
print(json.dumps({"processes": left, "before": swept, "files": sorted(os.listdir(folder))}))
"""
PROBE = "from loadstone.probe import probe; probe({!r}, fresh=True, timeout=20)"
FUZZ = "from loadstone.fuzz import fuzz; fuzz({!r}, 'int answer(void)', time_s=0.3, runs=100000)"
BUSY = """
#include <fcntl.h>
START { mkdir("deep", 0700); close(open("deep/file", O_CREAT | O_WRONLY, 0600));
    if (!fork()) { setsid(); if (!fork()) pause(); _exit(0); } }
int parse(const unsigned char *data, unsigned long size) { return size ? data[0] : 0; }
"""


@pytest.mark.parametrize("tool", ["probe", "fuzz"])
@pytest.mark.parametrize("who", ["root", "user"])
def test_nothing_is_left_of_callers_that_are_killed(tool: str, who: str, build: Build) -> None:
    if who == "root" and os.geteuid():
        pytest.skip("the tests do not run as the superuser")
    library = build(Case("busy", BUSY, CLEAN[0].outcome, CLEAN[0].phase))
    user = NOBODY if not os.geteuid() and who == "user" else None
    interpreter = _interpreter(user)
    if interpreter is None:
        unavailable("an interpreter for other users", "no Python that another user can run with our packages")
    code = (PROBE if tool == "probe" else FUZZ).format(str(library))
    code = code.replace("int answer(void)", "int parse(const unsigned char *data, unsigned long size)")
    as_whom: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
    with tempfile.TemporaryDirectory(prefix="loadstone-tests-") as name:
        Path(name).chmod(0o777)
        done = subprocess.run(
            [sys.executable if user is None else interpreter, "-c", DRIVER, "7", str(KILLS // 2), name,
             interpreter, "-c", code],
            capture_output=True, text=True, check=False, cwd="/", env={**_environment(), "TMPDIR": name}, **as_whom,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert not found["processes"], "a process lives on"
    assert found["files"] == [], "a folder stays"
