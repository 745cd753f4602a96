"""The child by itself: it enters its sandbox, obeys, says so with its nonce, and ends on anything else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import coverage
import pytest
from tests.probe.conftest import Build
from tests.probe.nasty import CLEAN, Case

from loadstone.probe.child import CHANNEL_LOST
from loadstone.probe.confine_linux import LAYERS, ORPHANED
from loadstone.probe.scratch import Scratch, remove

ROOT = Path(__file__).resolve().parents[2] / "src"
LIBRARIES = {case.name: case for case in CLEAN}
NONCE = b"0123456789abcdef"
TALK = """\
import json, mmap, os, socket, sys
root, packages, measured, library, home, outside, user, helper = sys.argv[1:9]
sys.path[:0] = [root]
sys.path.append(packages)
if measured == "yes":
    import coverage
    measuring = coverage.Coverage(data_file=home + "/measured", data_suffix=True, branch=True, source=["loadstone"])
    measuring.start()
    leave = os._exit
    def _exit(status):
        measuring.stop()
        try:
            measuring.save()  # an SQLite file: where the sandbox stands, its locks are refused
        finally:
            leave(status)
    os._exit = _exit
from loadstone.probe.child import Orders, run
from loadstone.probe.confine_linux import Sandbox
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
out, end = os.pipe()
file = os.open(library, os.O_RDONLY)
orders = Orders(
    nonce=b"0123456789abcdef", path=os.fsencode(library), file=file,
    symbols=[b"answer", b"missing"], progress=mmap.mmap(-1, 4096), threads=2, seconds=0.05,
    calls=[["answer", "i", [], ""]],
    sandbox=Sandbox(home, outside, int(user), 60, int(helper) or os.getpid(), "not here", notify=False, file=file),
)
child = os.fork()
if not child:
    ours.close()
    run(orders, theirs, end)
theirs.close()
said = [ours.recv(65536)]
for command in sys.argv[9:]:
    ours.send(command.encode())
    said.append(ours.recv(65536))
_, status = os.waitpid(child, 0)
print(json.dumps({"said": [one.decode() for one in said], "status": os.waitstatus_to_exitcode(status)}))
"""


def _talk(library: Path, folder: Path, commands: list[str], helper: int = 0) -> tuple[list[dict[str, Any]], int]:
    user = 65534 if os.geteuid() == 0 else 0
    scratch = Scratch(str(folder), user)
    running = coverage.Coverage.current()
    arguments = [str(ROOT), sysconfig.get_path("purelib"), "yes" if running else "no", str(library)]
    arguments += [scratch.home, scratch.outside, str(user), str(helper)]
    command = [sys.executable, "-I", "-S", "-c", TALK, *arguments, *commands]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    if running is not None:
        target = Path(str(running.get_option("run:data_file"))).absolute()
        for number, part in enumerate(Path(scratch.home).glob("measured*")):
            shutil.copy(part, target.with_name(f"{target.name}.child-{os.path.basename(scratch.base)}-{number}"))
    remove(scratch.base)
    answer = json.loads(done.stdout)
    return [json.loads(said.removeprefix(NONCE.decode())) if said else {} for said in answer["said"]], answer["status"]


def test_the_child_enters_its_sandbox_and_obeys(build: Build, open_folder: Path) -> None:
    commands = ["load", "resolve", "unload", "reload", "threads", "lazy", "nonsense"]
    said, status = _talk(build(LIBRARIES["initialised"]), open_folder, commands)
    setup, load, resolve, unload, reload, threads, lazy, end = said
    assert [layer[0] for layer in setup["layers"]] == list(LAYERS)
    states = {name: state for name, state, _reason in setup["layers"]}
    assert states["namespaces"] == "unavailable"
    assert states["limits"] == states["no_new_privs"] == "active"
    assert setup["unnotified"] == "not asked for"
    assert load == {"done": "load", "state": setup["state"]}
    assert resolve["failures"] == 1
    assert resolve["unresolved"][0][0] == "missing"
    assert unload == {"done": "unload"}
    assert reload["done"] == "reload"
    assert threads["cycles"] > 0
    assert lazy == {"done": "lazy"}
    assert end == {}
    assert status == CHANNEL_LOST


def test_the_child_ends_by_exit_when_told_to(build: Build, open_folder: Path) -> None:
    said, status = _talk(build(LIBRARIES["empty"]), open_folder, ["load", "exit"])
    assert [record.get("done") for record in said] == ["setup", "load", None]
    assert status == 0


def test_the_child_loads_nothing_once_its_helper_has_ended(build: Build, open_folder: Path) -> None:
    said, status = _talk(build(LIBRARIES["empty"]), open_folder, [], helper=1)
    assert said == [{}]
    assert status == ORPHANED


@pytest.mark.parametrize(("source", "word"), [("int missing(void); int f(void) { return missing(); }", "missing")])
def test_the_child_passes_on_what_the_loader_says(source: str, word: str, build: Build, open_folder: Path) -> None:
    model = LIBRARIES["empty"]
    library = build(Case("wanting", source, model.outcome, model.phase))
    said, _status = _talk(library, open_folder, ["load", "nonsense"])
    assert word in said[1]["error"]
