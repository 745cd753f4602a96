"""Libraries that try to get out of the sandbox of probe and fuzz: as any user, with all layers, with each one missing.

Witnesses stand outside: files that must stay as they are, sockets that nobody may reach, a process that nobody may
touch. That a try is one is shown by a run without any sandbox, in which most of them succeed.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.probe.test_places import NOBODY, _environment, _interpreter
from tests.sandbox.tries import LAYER_BITS, TRIES, source
from tests.tools import needed

pytestmark = [pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox is Linux's")]

RUN = """\
import json, sys
from loadstone.fuzz import fuzz
from loadstone.probe import close_helpers, probe
from loadstone.probe.linux import process, seccomp
from loadstone.probe.linux.seccomp import DENY, ArgumentTest, SeccompRule
tool, missing, library = sys.argv[1:4]
RULES = {
    "landlock": [SeccompRule("landlock_create_ruleset", DENY)],
    "seccomp": [SeccompRule("seccomp", DENY)],
    "namespaces": [SeccompRule("unshare", DENY)],
    "mounts": [SeccompRule("mount_setattr", DENY)],
    "notification": [SeccompRule("seccomp", DENY, (ArgumentTest(1, 8),))],
}
if missing:
    process.forbid_new_privileges()
    seccomp.install(seccomp.compile_filter(RULES[missing]))
if tool == "probe":
    report = probe(library, fresh=True, cycles=1, timeout=120)
    close_helpers()
    address = report.crash.address if report.crash else None
    out = {"end": str(report.outcome), "address": address, "layers": {l.name: str(l) for l in report.layers}}
else:
    report = fuzz(library, "int parse(const unsigned char *data, unsigned long size)", time_s=60, runs=50, first=True)
    faults = [f.fault_address for f in (*report.findings, *report.flaky)]
    end = "ok" if report.progress.runs else str(report.stopped)
    out = {"end": end, "address": faults[0] if faults else None, "layers": dict(report.layers)}
    out["said"] = report.loader_message
print(json.dumps(out))
"""
NEEDS = {"namespaces": "mounts"}
"""What cannot be had without a layer."""

CONTROL = """\
import ctypes, json, sys
library = ctypes.CDLL(sys.argv[1])
print(json.dumps([number for number in range(int(sys.argv[2])) if library.got_past(number)]))
"""


class Outside:
    """What must not be reached: a folder, sockets, a process; and whether it was."""

    def __init__(self, folder: Path, hold: ExitStack) -> None:
        self.folder = folder
        folder.chmod(0o777)
        for name, content in (("victim", "as it was"), ("secret", "nobody's business")):
            (folder / name).write_text(content)
            (folder / name).chmod(0o666)
        self.before = self._state()
        kinds = ((socket.AF_UNIX, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_DGRAM))
        self.stream, self.datagram = (hold.enter_context(socket.socket(*kind)) for kind in kinds)
        self.tcp = hold.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        self.udp = hold.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.stream.bind(str(folder / "socket"))
        self.datagram.bind(str(folder / "socket-datagram"))
        for one in (self.tcp, self.udp):
            one.bind(("127.0.0.1", 0))
        for one in (self.stream, self.tcp):
            one.listen()
        for name in ("socket", "socket-datagram"):
            (folder / name).chmod(0o777)
        self.before = self._state()

    def _state(self) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for path in sorted(self.folder.iterdir()):
            there = path.lstat()
            found[path.name] = (there.st_mode, there.st_uid, there.st_size, there.st_mtime_ns, there.st_ctime_ns)
        return found

    def reached(self) -> list[str]:
        """In words, what was changed or heard from."""
        found = [] if self._state() == self.before else ["the folder"]
        for name, one in (("stream", self.stream), ("datagram", self.datagram), ("tcp", self.tcp), ("udp", self.udp)):
            one.setblocking(False)
            try:
                if one.type == socket.SOCK_STREAM:
                    one.accept()[0].close()
                else:
                    one.recv(1)
            except BlockingIOError:
                continue
            found.append(name)
        return found


@pytest.fixture(params=["root", "user"])
def who(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    if request.param == "root":
        if os.geteuid() != 0:
            pytest.skip("only the superuser can try it as the superuser")
        return sys.executable, {}
    user = NOBODY if os.geteuid() == 0 else None
    python = _interpreter(user)
    if python is None:
        pytest.skip("no interpreter that another user can run")
    return python, {"user": user, "group": user, "extra_groups": []} if user else {}


@pytest.fixture
def hold() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _built(outside: Outside, victim: int, folder: Path) -> Path:
    library = folder / "tries.so"
    words = {
        "FOLDER": f'"{outside.folder}"', "VICTIM": f'"{victim}"', "STANDING": "-1",
        "TCP_PORT": outside.tcp.getsockname()[1], "UDP_PORT": outside.udp.getsockname()[1],
    }  # fmt: skip
    command = [needed("gcc"), "-shared", "-fPIC", "-w", "-O1", "-o", str(library), "-x", "c", "-"]
    command += [f"-D{name}={value}" for name, value in words.items()]
    subprocess.run(command, input=source(), text=True, check=True)
    return library


def _victim(hold: ExitStack, **who: Any) -> subprocess.Popen[bytes]:
    victim = subprocess.Popen(["sleep", "600"], **who)
    hold.callback(victim.wait)
    hold.callback(victim.kill)
    return victim


@pytest.fixture
def folders(hold: ExitStack) -> tuple[Path, Path]:
    """One that must not be reached, and one for the library."""
    made = []
    for _ in range(2):
        made.append(Path(hold.enter_context(tempfile.TemporaryDirectory(prefix="loadstone-tests-"))))
        made[-1].chmod(0o755)
    return made[0], made[1]


def _report(who: tuple[str, dict[str, Any]], tool: str, missing: str, library: Path, standing: int) -> dict[str, Any]:
    """What the tool says of the library that takes these layers for standing, and one of them is missing."""
    named = shutil.copy(library, library.with_name(f"libtries-{standing}.so"))
    done = subprocess.run(
        [who[0], "-c", RUN, tool, missing, str(named)], capture_output=True, text=True, check=False, cwd="/",
        env=_environment(), **who[1],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["", "landlock", "seccomp", "namespaces", "mounts", "notification"])
@pytest.mark.parametrize("tool", ["probe", "fuzz"])
def test_no_try_gets_past_a_layer_that_stands(
    tool: str, missing: str, who: tuple[str, dict[str, Any]], folders: tuple[Path, Path], hold: ExitStack
) -> None:
    outside = Outside(folders[0], hold)
    victim = _victim(hold, **who[1])
    library = _built(outside, victim.pid, folders[1])
    absent = {missing, NEEDS.get(missing)}
    standing = sum(bit for layer, bit in LAYER_BITS.items() if layer not in absent)
    report = _report(who, tool, missing, library, standing)
    crossed = [TRIES[report["address"] // 0x10000 - 1].name] if report["address"] else []
    assert not crossed, report
    assert report["end"] == "ok", report
    if missing in LAYER_BITS:
        assert all(report["layers"][layer].startswith("unavailable") for layer in absent if layer), "it is named"
    else:
        assert outside.reached() == []
        assert all(report["layers"][layer].startswith("active") for layer in LAYER_BITS)
    assert victim.poll() is None or missing


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["probe", "fuzz"])
def test_where_no_layer_stops_them_they_get_past(
    tool: str, who: tuple[str, dict[str, Any]], folders: tuple[Path, Path], hold: ExitStack
) -> None:
    library = _built(Outside(folders[0], hold), _victim(hold, **who[1]).pid, folders[1])
    report = _report(who, tool, "seccomp", library, LAYER_BITS["seccomp"])
    assert report["address"], "the tries ran at all"


def test_most_of_them_are_tries(folders: tuple[Path, Path], hold: ExitStack) -> None:
    assert len(TRIES) >= 120
    outside = Outside(folders[0], hold)
    library = _built(outside, _victim(hold).pid, folders[1])
    done = subprocess.run(
        [sys.executable, "-c", CONTROL, str(library), str(len(TRIES))],
        capture_output=True, text=True, check=True, cwd=folders[1],
    )  # fmt: skip
    past = json.loads(done.stdout)
    assert len(past) >= len(TRIES) // 2, [one.name for number, one in enumerate(TRIES) if number not in past]
    assert outside.reached()
