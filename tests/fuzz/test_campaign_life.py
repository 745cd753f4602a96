"""A campaign from outside: several workers, a folder that lives through Ctrl-C and kills, its state, its corpus."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.interrupts import obeying_interrupts

from loadstone.binary import read
from loadstone.errors import InvalidConfiguration, Unreadable, Unwritable
from loadstone.fuzz import fuzz, minimise
from loadstone.fuzz.code.analyse import analyse
from loadstone.fuzz.outcome.corpus import Folder, campaign_status, input_name

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="campaigns run on Linux")

SOURCE = r"""
typedef const unsigned char *B; typedef unsigned long N;
volatile int seen;
static int inner(B d) { if (d[2] == 'z') seen = 5; else if (d[2] == 'y') seen += 6; else seen -= 7; return seen; }
int deep(B d, N n) { if (n > 2 && d[0] == 'L') if (d[1] == 'i') return inner(d); return 0; }
int breaks(B d, N n) { if (n > 1 && d[0] == 'L' && d[1] == '!') *(volatile int *)8 = 1; return 0; }
"""
DEEP = "int deep(const unsigned char *d, unsigned long n)"
BREAKS = "int breaks(const unsigned char *d, unsigned long n)"


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "liblife.so", "-O1", "-w")


def test_two_workers_share_what_they_reach(library: Path) -> None:
    report = fuzz(library, DEEP, runs=30_000, time_s=60, jobs=2, seed=3)
    assert report.progress.runs >= 30_000
    assert report.progress.blocks <= report.progress.blocks_total
    assert [now.seconds for now in report.curve] == sorted(now.seconds for now in report.curve)


def test_a_folder_has_one_campaign_at_a_time(library: Path, tmp_path: Path) -> None:
    with Folder(str(tmp_path / "out")).reserved(), pytest.raises(Unwritable, match="another campaign runs there"):
        fuzz(library, DEEP, runs=1, out=str(tmp_path / "out"))
    assert fuzz(library, DEEP, runs=1, out=str(tmp_path / "out")).progress.runs >= 1


def test_what_cannot_be_written_ends_no_campaign_and_is_said(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    report = fuzz(library, BREAKS, time_s=60, first=True, out=str(tmp_path / "out"))
    assert [found.folder for found in report.findings] == [""]
    assert ("folder", "degraded: not all of it could be written: No space left on device") in report.observers


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_found_and_says_so(library: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = obeying_interrupts("fuzz", str(library), BREAKS, "--time", "600", "--out", str(out))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 120
        while not list(out.glob("crashes/*")) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert campaign_status(out).running
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "3 of 3 fresh processes reproduce it" in said
    assert "interrupted" in said
    (home,) = out.glob("crashes/*")
    assert json.loads((home / "report.json").read_text())["repeated"] == 3
    assert list(out.glob("corpus/*"))
    assert not campaign_status(out).running


@pytest.mark.slow
def test_a_kill_loses_nothing_that_was_found(library: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "loadstone", "fuzz", str(library), BREAKS, "--time", "600", "--out", str(out)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as running:
        deadline = time.monotonic() + 120
        while not list(out.glob("crashes/*/report.json")) and time.monotonic() < deadline:
            time.sleep(0.1)
        running.kill()
    (home,) = out.glob("crashes/*")
    assert (home / "input").read_bytes()[:2] == b"L!"
    assert campaign_status(out).ended_early


def test_a_corpus_is_cut_down_to_what_reaches_something(library: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "corpus").mkdir(parents=True)
    useful = (b"L00", b"Li0", b"Liy", b"Liz")
    for data in (*useful, *(b"noise%d" % number for number in range(20)), b"Liz and more", b"L000"):
        (out / "corpus" / input_name(data)).write_bytes(data)
    kept, total = minimise(library, DEEP, out=str(out))
    left = {file.read_bytes() for file in (out / "corpus").iterdir()}
    assert (kept, total) == (len(left), 26)
    assert set(useful) <= left
    assert len(left) <= 6
    assert minimise(library, DEEP, out=str(out))[0] == kept


def test_an_input_that_crashes_is_no_seed(library: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "corpus").mkdir(parents=True)
    for data in (b"L!", b"L", b"Lxxx"):
        (out / "corpus" / input_name(data)).write_bytes(data)
    minimise(library, BREAKS, out=str(out))
    left = {file.read_bytes() for file in (out / "corpus").iterdir()}
    assert b"L!" not in left
    assert b"Lxxx" in left


def test_inputs_of_ones_own_making(library: Path, tmp_path: Path) -> None:
    mutator = tmp_path / "grammar.py"
    mutator.write_text("def mutate(data, max_size, random):\n    return b'L!' + bytes([random.randrange(256)])\n")
    report = fuzz(library, BREAKS, hooks=str(mutator), time_s=60, first=True, seed=9)
    assert report.findings[0].run < 1000


def test_a_folder_without_a_campaign_has_no_state(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="no campaign"):
        campaign_status(tmp_path)


def test_only_some_code_counts(library: Path) -> None:
    content = library.read_bytes()
    code = analyse(read(library), content)
    (deep,) = (f for f in code.functions if f.name == "deep")
    some = code.only(["deep"])
    assert some.blocks == tuple(b for b in code.blocks if deep.address <= b[0] < deep.address + deep.size)
    assert 0 < len(some.blocks) < len(code.blocks)
    assert code.only([f"{deep.address:#x}-{deep.address + deep.size:#x}"]).blocks == some.blocks
    with pytest.raises(InvalidConfiguration, match="no function nothing"):
        code.only(["nothing"])


def test_of_a_very_large_library_what_is_called_is_decoded(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, image = library.read_bytes(), read(library)
    whole = analyse(image, content)
    (deep,) = (f for f in whole.functions if f.name == "deep")
    inside = {a for a, _ in whole.blocks if deep.address <= a < deep.address + deep.size}
    monkeypatch.setattr("loadstone.fuzz.code.analyse.MAX_DECODED", len(inside))
    some = {a for a, _ in analyse(image, content, (deep.address,)).blocks}
    assert inside <= some
    assert {f.address for f in whole.functions} <= some
    assert len(some) < len(whole.blocks)


def test_a_slow_input_is_kept_apart(compile_library: Compile) -> None:
    source = r"""
    volatile int seen;
    int slow(const unsigned char *d, unsigned long n) {
        if (n > 2 && d[0] == 'S' && d[1] == 'l' && d[2] == 'o') for (int i = 0; i < 40000000; i++) seen += i;
        return 0; }
    """
    slow = compile_library(source, "libslow.so", "-O1", "-w")
    seeds = [b"fast", b"Slow", b"also", b"Fast"]
    report = fuzz(slow, "int slow(const unsigned char *d, unsigned long n)", seeds=seeds, runs=300, time_s=60)
    assert "kept apart" in dict(report.observers)["slow inputs"]
