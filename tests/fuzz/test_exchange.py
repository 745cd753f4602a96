"""Corpora go back and forth with the real AFL++ and libFuzzer, and the exported harness is what they run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.fuzz import export_harness, fuzz
from loadstone.fuzz.outcome.corpus import inputs_in

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="campaigns run on Linux"),
    pytest.mark.slow,
]

SOURCE = r"""
volatile int seen;
int steps(const unsigned char *d, unsigned long n) {
    if (n > 3 && d[0] == 'E') { seen = 1; if (d[1] == 'x') { seen = 2; if (d[2] == 'c') { seen = 3; } } }
    return 0; }
"""
PROTOTYPE = "int steps(const unsigned char *d, unsigned long n)"
GIVEN = b"Exc!"


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "libsteps.so", "-O1", "-w")


def harness_of(library: Path, folder: Path, kind: str) -> Path:
    export_harness(library, PROTOTYPE, folder=str(folder), seeds=[GIVEN])
    subprocess.run([folder / "build.sh", kind], check=True, capture_output=True)
    return folder / f"harness-{kind}"


def links(source: Path) -> bool:
    """Whether clang has libFuzzer and AddressSanitizer to link with: in Debian they are a package of their own."""
    command = ["clang", "-fsanitize=fuzzer,address", str(source), "-o", str(source.with_suffix(""))]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_libfuzzer_reads_our_corpus_and_we_read_its(library: Path, tmp_path: Path) -> None:
    trial = tmp_path / "trial.c"
    trial.write_text("int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n ? 0 : 0; }")
    if not shutil.which("clang") or not links(trial):
        pytest.skip("no libFuzzer here: apt install clang libclang-rt-dev")
    harness = harness_of(library, tmp_path / "harness", "libfuzzer")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    ran = subprocess.run(
        [harness, "-merge=1", theirs, tmp_path / "harness" / "corpus"], capture_output=True, text=True, check=False,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    (theirs / "added").write_bytes(GIVEN)
    report = fuzz(library, PROTOTYPE, seeds=inputs_in(theirs), runs=2000, time_s=60, out=str(tmp_path / "out"))
    alone = fuzz(library, PROTOTYPE, runs=1, time_s=60)
    assert report.progress.blocks > alone.progress.blocks


def test_aflplusplus_reads_our_corpus_and_we_read_its(library: Path, tmp_path: Path) -> None:
    afl = shutil.which("afl-fuzz")
    if not afl or not shutil.which("afl-clang-fast"):
        pytest.skip("no AFL++ here: apt install afl++")
    harness = harness_of(library, tmp_path / "harness", "afl")
    findings = tmp_path / "findings"
    quiet = {
        "AFL_SKIP_CPUFREQ": "1", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_NO_UI": "1", "AFL_NO_AFFINITY": "1",
        "AFL_TRY_AFFINITY": "1",
    }  # fmt: skip
    corpus = str(tmp_path / "harness" / "corpus")
    command = [afl, "-i", corpus, "-o", str(findings), "-E", "200", "-V", "20", "--", str(harness)]
    ran = subprocess.run(command, env={**os.environ, **quiet}, capture_output=True, text=True, check=False)
    if not (findings / "default" / "fuzzer_stats").exists():
        pytest.skip(f"AFL++ cannot run on this machine: {(ran.stdout + ran.stderr)[-300:]}")
    assert GIVEN in inputs_in(findings)
    report = fuzz(library, PROTOTYPE, seeds=inputs_in(findings), runs=2000, time_s=60)
    alone = fuzz(library, PROTOTYPE, runs=1, time_s=60)
    assert report.progress.blocks > alone.progress.blocks
