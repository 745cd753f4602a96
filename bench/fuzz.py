"""Fuzzing: calls a second on a trivial target with coverage on, beside one fork a call and hypothesis."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

from bench.table import Row
from loadstone.fuzz import fuzz

SOURCE = """
int control(const unsigned char *d, unsigned long n) {
    int s = 0;
    for (unsigned long i = 0; i < n; i++) s += d[i];
    return s;
}
int nested(const unsigned char *d, unsigned long n) {
    if (n > 3 && d[0] == 'F') if (d[1] == 'U') if (d[2] == 'Z') *(volatile int *)8 = 1;
    return 0;
}
"""
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


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "libbench.so"
        (Path(folder) / "bench.c").write_text(SOURCE)
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", library, Path(folder) / "bench.c"], check=True)
        prototype = "int {}(const unsigned char *data, unsigned long size)"
        control = fuzz(library, prototype.format("control"), time_s=SECONDS).progress
        nested = fuzz(library, prototype.format("nested"), time_s=30, first=True).progress
        zlib = fuzz("z", "unsigned long crc32(unsigned long c, const unsigned char *d, unsigned n)", time_s=SECONDS)
        forks = _forks(library)
        return [
            Row("runs a second, trivial target, coverage on", control.runs_per_s, "/s",
                {"fork per run": forks, "hypothesis": _hypothesis(library)}, ">= 50,000 and >= 50 x fork"),
            Row("seconds to three nested byte conditions", nested.seconds, "s", {}, "<= 5"),
            Row("runs a second, zlib crc32", zlib.progress.runs_per_s, "/s", {}, ""),
        ]  # fmt: skip


if __name__ == "__main__":
    from bench.table import render

    print(render(run()))
