"""What it costs to begin: importing, asking for help, the main job as a whole process."""

from __future__ import annotations

import subprocess
import sys
from statistics import median
from time import perf_counter

from bench.table import Row

ROUNDS = 9


def _process(*words: str) -> float:
    """Median wall milliseconds of a whole process."""
    spent = []
    for _ in range(ROUNDS):
        start = perf_counter()
        subprocess.run(words, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        spent.append((perf_counter() - start) * 1e3)
    return median(spent)


def _importing(module: str) -> float:
    """Median milliseconds of one import in a fresh interpreter, its start not counted."""
    code = f"import time; t = time.perf_counter(); import {module}; print((time.perf_counter() - t) * 1e3)"
    runs = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True) for _ in range(ROUNDS)
    ]
    return median(float(done.stdout) for done in runs)


def run() -> list[Row]:
    loadstone = (sys.executable, "-m", "loadstone.cli.main")
    return [
        Row("import loadstone", _importing("loadstone"), "ms", {"import ctypes": _importing("ctypes")}, "<= 2 x"),
        Row("loadstone --help", _process(*loadstone, "--help"), "ms",
            {"python -c ''": _process(sys.executable, "-c", "")}, "<= 150 ms"),
        Row("loadstone examine z, whole process", _process(*loadstone, "examine", "z"), "ms", {}, ""),
    ]  # fmt: skip


if __name__ == "__main__":
    from bench.table import render

    print(render(run()))
