"""A probe with every layer and observer, helper warm, beside what else one could do with an unknown library."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from _ctypes import dlclose as _dlclose
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from bench.figure import Figure, Row, Sample, alternate, at_most, beside, each_call, times_of
from loadstone.probe import close_helpers, probe

SOURCE = "static int n; __attribute__((constructor)) static void start(void) { n = 1; } int get(void) { return n; }"


CYCLES = 1000
_WALL = "wall time of several processes: where the load above is more than the processors, they wait for their turn"
_RUNS = (
    "one cycle takes less, see below; sixteen cycles, and the second, untraced run that every report needs, "
    "add the rest"
)
_FORK = "fork, load, exit (no sandbox, no observer)"


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


def _rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = _library(folder)
        yield from _beside_others(library, folder)
        yield from _alone(library)
        close_helpers()


def _milliseconds(call: Callable[[], object]) -> Callable[[], float]:
    measure = each_call(call, clock=perf_counter)  # wall time: most of a probe happens in other processes
    return lambda: measure() * 1e3


def _beside_others(library: Path, folder: Path) -> Iterator[Row]:
    traced = _milliseconds(lambda: _under_strace(library, folder / "log"))
    yield beside(
        "probe, warm, all layers, 16 cycles and an untraced run",
        "ms",
        _milliseconds(lambda: probe(library, fresh=True)),
        {
            _FORK: _milliseconds(lambda: _fork_and_load(library)),
            "a new interpreter that loads it": _milliseconds(lambda: _new_interpreter(library)),
            "the same under strace -f": traced if shutil.which("strace") else None,
        },
        (at_most(15, _RUNS), times_of(_FORK, 3, _WALL)),
        rounds=15,
        note="the peers have no sandbox and no observer",
    )


def _alone(library: Path) -> Iterator[Row]:
    samples = alternate(
        {
            "warm": _milliseconds(lambda: probe(library, fresh=True)),
            "once": _milliseconds(lambda: probe(library, fresh=True, cycles=1)),
            "soak": _milliseconds(lambda: probe(library, fresh=True, soak=CYCLES)),
            "known": _milliseconds(lambda: probe(library)),
        },
        rounds=7,
    )
    warm, once, soak, known = (samples[name] for name in ("warm", "once", "soak", "known"))
    assert warm
    assert once
    assert soak
    assert known
    yield Row("probe with one cycle", "ms", once)
    yield Row(f"probe and a soak of {CYCLES:,} cycles", "ms", soak)
    bare = each_call(lambda: _dlclose(ctypes.CDLL(str(library))._handle), 200)() * 1e6
    cycle = (soak.middle - warm.middle) / CYCLES * 1e3
    yield Row(
        "    one cycle of a soak", "us", Sample.of([cycle]), {"bare ctypes dlopen and dlclose": Sample.of([bare])}
    )
    yield Row("probe of remembered bytes", "ms", known)
    first = alternate({"first": _milliseconds(lambda: _first(library))}, rounds=5)["first"]
    assert first is not None
    yield Row("first probe, helpers started", "ms", first, {}, (at_most(150, _WALL),))


FIGURES = (Figure("probe", _rows),)
