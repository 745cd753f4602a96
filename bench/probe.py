"""A probe with every layer and observer, helper warm, beside what else one could do with an unknown library."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from _ctypes import dlclose as _dlclose
from pathlib import Path

from bench.table import Row, per_call
from loadstone.probe import close_helpers, probe

SOURCE = "static int n; __attribute__((constructor)) static void start(void) { n = 1; } int get(void) { return n; }"


CYCLES = 1000


def _library(folder: Path) -> Path:
    target = folder / "libsmall.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", target, "-x", "c", "-"], input=SOURCE, text=True, check=True)
    folder.chmod(0o755)
    return target


def _fork_and_load(library: Path) -> None:
    """The barest thing: no fence, no observer, one load, no unload."""
    child = os.fork()
    if not child:
        try:
            ctypes.CDLL(str(library))
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _new_interpreter(library: Path) -> None:
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    subprocess.run([sys.executable, "-I", "-S", "-c", code, library], check=True)


def _under_strace(library: Path, log: Path) -> None:
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    subprocess.run(["strace", "-f", "-o", log, sys.executable, "-I", "-S", "-c", code, library], check=True)


def _first(library: Path) -> None:
    close_helpers()
    probe(library, fresh=True)


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = _library(folder)
        strace = shutil.which("strace")
        peers = {
            "fork, load, exit (no fence, no observer)": per_call(lambda: _fork_and_load(library), repeat=21) * 1e3,
            "a new interpreter that loads it": per_call(lambda: _new_interpreter(library), repeat=9) * 1e3,
            "the same under strace -f": per_call(lambda: _under_strace(library, folder / "log"), repeat=5) * 1e3
            if strace
            else None,
        }
        bare = per_call(lambda: _dlclose(ctypes.CDLL(str(library))._handle), repeat=5, number=200) * 1e6
        warm = per_call(lambda: probe(library, fresh=True), repeat=31) * 1e3
        once = per_call(lambda: probe(library, fresh=True, cycles=1), repeat=31) * 1e3
        soak = per_call(lambda: probe(library, fresh=True, soak=CYCLES), repeat=5) * 1e3
        known = per_call(lambda: probe(library), repeat=31) * 1e3
        first = per_call(lambda: _first(library), repeat=5) * 1e3
        close_helpers()
    return [
        Row(
            "probe, warm, all layers, 16 cycles and an untraced run",
            warm,
            "ms",
            peers,
            "<= 15 ms, <= 3 x fork and load",
        ),
        Row("the same with one cycle", once, "ms", {}, ""),
        Row(f"the same and a soak of {CYCLES:,} cycles", soak, "ms", {}, ""),
        Row("    per cycle", (soak - warm) / CYCLES * 1e3, "us", {"bare ctypes dlopen and dlclose": bare}, ""),
        Row("probe of remembered bytes", known, "ms", {}, ""),
        Row("first probe, helpers started", first, "ms", {}, "<= 150 ms"),
    ]


if __name__ == "__main__":
    from bench.table import render

    print(render(run()))
