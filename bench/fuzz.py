"""Fuzzing: calls a second and seconds to planted bugs, beside a fork a call, hypothesis, libFuzzer and AFL++.

The last two have the source and its compiler; ours has the compiled library and a prototype.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from math import inf
from pathlib import Path
from shutil import which
from statistics import median
from time import perf_counter

from bench.figure import Figure, Row, Sample, at_least, at_most, faster_than
from loadstone.fuzz import export_harness, fuzz

SOURCE = """
#include <string.h>
typedef const unsigned char *B; typedef unsigned long N;
#define BREAK (*(volatile int *)24 = 1)
int control(B d, N n) { int s = 0; for (N i = 0; i < n; i++) s += d[i]; return s; }
int nested(B d, N n) { if (n > 3 && d[0] == 'F') if (d[1] == 'U') if (d[2] == 'Z') BREAK; return 0; }
int sized(B d, N n) {
    if (n >= 8 && *(const unsigned *)d == 0xDEADC0DE && *(const unsigned *)(d + 4) == n * 0x01010101u + 7) BREAK;
    return 0;
}
int checksum(B d, N n) {
    if (n < 6) return 0;
    unsigned short s = 0;
    for (N i = 2; i < n; i++) s = s * 31 + d[i];
    if (*(const unsigned short *)d == s && d[2] == 'K') BREAK;
    return 0;
}
int keyword(B d, N n) {
    char b[32], *value;
    if (n < 8 || n > 31) return 0;
    memcpy(b, d, n); b[n] = 0; value = strchr(b, '=');
    if (!value) return 0;
    *value++ = 0;
    if (!strcmp(b, "tablespace") && !strcmp(value, "gamma")) BREAK;
    return 0;
}
"""
PROTOTYPE = "int {}(const unsigned char *data, unsigned long size)"
PLANTED = {
    "nested": "three nested byte conditions",
    "sized": "a 32-bit magic, then a key that depends on the size",
    "checksum": "a 16-bit checksum before the condition",
    "keyword": "two compared words",
}
AFL_QUIET = dict.fromkeys(
    ("AFL_NO_UI", "AFL_SKIP_CPUFREQ", "AFL_NO_AFFINITY", "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES"), "1"
)
SEEDS = (1, 2, 3)
LIMIT_S = 20
SECONDS = 3.0


def _forks(library: Path, count: int = 300) -> float:
    function = ctypes.CDLL(str(library)).control
    function.argtypes = [ctypes.c_char_p, ctypes.c_ulong]
    start = perf_counter()
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            function(b"input", 5)
            os._exit(0)
        os.waitpid(pid, 0)
    return count / (perf_counter() - start)


def _hypothesis(library: Path) -> float | None:
    if find_spec("hypothesis") is None:
        return None
    from hypothesis import given, settings
    from hypothesis import strategies as st

    function = ctypes.CDLL(str(library)).control
    function.argtypes = [ctypes.c_char_p, ctypes.c_ulong]
    count = 2000

    @settings(max_examples=count, database=None, deadline=None)
    @given(st.binary())
    def run_all(data: bytes) -> None:
        function(data, len(data))

    start = perf_counter()
    run_all()
    return count / (perf_counter() - start)


def _harness(library: Path, name: str) -> Path:
    """The exported harness of a function, in a folder of its own with the source beside it."""
    folder = library.parent / name
    export_harness(library, PROTOTYPE.format(name), folder=str(folder))
    return folder


def _libfuzzer(library: Path, name: str, seconds: int, seed: int) -> tuple[float | None, float | None]:
    """(runs a second, seconds to a crash) of libFuzzer with the source; None where it is not, or nothing is found."""
    folder = _harness(library, name)
    command = ["clang", "-w", "-O1", "-fsanitize=fuzzer", "-o", "fuzzer", "harness.c", str(library.with_suffix(".c"))]
    if which("clang") is None or subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode:
        return None, None
    options = [f"-max_total_time={seconds}", f"-seed={seed}", "-print_final_stats=1", "-close_fd_mask=1"]
    start = perf_counter()
    done = subprocess.run(["./fuzzer", *options], cwd=folder, capture_output=True, text=True, check=False)
    took = perf_counter() - start
    rate = re.search(r"average_exec_per_sec:\s+(\d+)", done.stderr)
    return float(rate[1]) if rate else None, took if done.returncode else None


def _afl(library: Path) -> float | None:
    """Runs a second of AFL++ in its persistent mode, with the source."""
    folder = _harness(library, "control")
    command = [
        "afl-clang-fast",
        "-w",
        "-O1",
        "-fsanitize=fuzzer",
        "-o",
        "afl",
        "harness.c",
        str(library.with_suffix(".c")),
    ]
    if which("afl-fuzz") is None or subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode:
        return None
    search = ["afl-fuzz", "-V", str(int(SECONDS) + 2), "-i", "corpus", "-o", "out", "--", "./afl"]
    subprocess.run(search, cwd=folder, capture_output=True, check=False, env=os.environ | AFL_QUIET)
    try:
        stats = (folder / "out/default/fuzzer_stats").read_text()
    except OSError:
        return None
    rate = re.search(r"execs_per_sec\s+:\s+([\d.]+)", stats)
    return float(rate[1]) if rate else None


@contextmanager
def _built() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "libbench.so"
        library.with_suffix(".c").write_text(SOURCE)
        command = ["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", str(library), str(library.with_suffix(".c"))]
        subprocess.run(command, check=True)
        yield library


def _sample(value: float | None) -> Sample | None:
    return None if value is None else Sample.of([value])


def _to_bug(name: str) -> Iterator[Row]:
    """Seconds to a planted bug, three seeds."""
    with _built() as library:
        reports = [fuzz(str(library), PROTOTYPE.format(name), time_s=LIMIT_S, first=True, seed=seed) for seed in SEEDS]
        theirs = [_libfuzzer(library, name, LIMIT_S, seed)[1] or inf for seed in SEEDS]
    known = median(theirs)
    peers = {"libFuzzer": _sample(known if known < inf else None)}
    bars = (at_most(5),) if name == "nested" else ()
    yield Row(f"seconds to {PLANTED[name]}", "s", Sample.of([r.progress.seconds for r in reports]), peers, bars)


def _trivial() -> Iterator[Row]:
    with _built() as library:
        control = fuzz(library, PROTOTYPE.format("control"), time_s=SECONDS).progress
        peers = {
            "fork per run": _sample(_forks(library)),
            "hypothesis": _sample(_hypothesis(library)),
            "AFL++, persistent, source": _sample(_afl(library)),
            "libFuzzer, source": _sample(_libfuzzer(library, "control", int(SECONDS), 1)[0]),
        }
    why = "each run is several calls of Python around one of C; how many fit goes with the processor of the day"
    bars = (at_least(150_000, why), faster_than("fork per run", 50))
    ours = Sample.of([control.runs_per_s])
    yield Row("runs a second, trivial target, coverage on", "/s", ours, peers, bars, more_is_better=True)


def _crc32() -> Iterator[Row]:
    zlib = fuzz("z", "unsigned long crc32(unsigned long c, const unsigned char *d, unsigned n)", time_s=SECONDS)
    yield Row("runs a second, zlib crc32", "/s", Sample.of([zlib.progress.runs_per_s]), more_is_better=True)


FIGURES = (
    Figure("runs a second", _trivial),
    *(Figure(f"seconds to {what}", partial(_to_bug, name)) for name, what in PLANTED.items()),
    Figure("zlib", _crc32),
)
