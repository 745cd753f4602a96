"""Many libraries at once: a whole wheel, a folder of independent libraries, a system unpacked in a folder.

Ours are whole commands. ldd is asked about the same files, one process each; it has no search trace, no symbols bound
beyond the first that is missing (``-r`` binds them, and is what is asked), and cannot be asked about another system, so
for that it answers for this one. "First row" is wall time until the first library of the table is told.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from tests.linker.tiny_elf import tiny_elf
from tests.wheels import wheel

from bench.elf_facts import sample
from bench.figure import Figure, Row, Sample, at_most, each_call, processor_seconds, times_of

_WHEEL = ("PyQt6-Qt6", "6.11.2", "manylinux_2_34_x86_64")
_INDEPENDENT = 2000
_OF_A_ROOT = 100
_LDD = "ldd -r, each file"
_FIRST = "wall time, while others used the machine too"
_LOADERS = {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"}


_CODE = """
import atexit, re, sys
from loadstone.cli.main import main
told = lambda: re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]  # ru_maxrss would be our own as well
atexit.register(lambda: print(told(), file=sys.stderr))
main(sys.argv[1:])
"""


def _asked(*words: str) -> tuple[float, float, float, int]:
    """Seconds to the first row, seconds of processor time, peak in MB, and rows of ``loadstone explain --table``."""
    before, start, first, rows = processor_seconds(), perf_counter(), 0.0, 0
    command = [sys.executable, "-c", _CODE, "explain", *words, "--table"]
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if b".so" in line:
                    first = first or perf_counter() - start
                    rows += 1
        said.seek(0)
        peak = int(said.read().split()[-1]) / 1024
    return first, processor_seconds() - before, peak, rows


def _ldd(paths: list[str]) -> Callable[[], float] | None:
    """Seconds of processor time of one ldd after the other."""
    if shutil.which("ldd") is None:
        return None

    def each() -> None:
        for path in paths:
            subprocess.run(["ldd", "-r", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    return each_call(each, clock=processor_seconds)


def _whole_wheel() -> Iterator[Row]:
    packed = wheel(*_WHEEL)
    first, used, peak, rows = _asked(str(packed))
    what = f"whole wheel, {packed.name.partition('-')[0]}, {rows} rows"
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(folder)  # for ldd only
        paths = [str(path) for path in sorted(Path(folder).rglob("*.so*"))]
        ldd = _ldd(paths)
        theirs = None if ldd is None else Sample.of([ldd()])
    yield Row(f"{what}: first row", "s", Sample.of([first]), {}, (at_most(1, _FIRST),))
    yield Row(f"{what}: all", "s", Sample.of([used]), {_LDD: theirs}, (at_most(15), times_of(_LDD, 5)),
              note="ldd is given the files unpacked")  # fmt: skip
    yield Row(f"{what}: peak", "MB", Sample.of([peak]), {}, (at_most(300),))


def _independent() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(_INDEPENDENT):
            (folder / f"lib{number}.so").write_bytes(tiny_elf(f"lib{number}.so", []))
        first, used, peak, rows = _asked(name)
        assert rows == _INDEPENDENT, rows
    what = f"folder of {_INDEPENDENT:,} independent libraries"
    yield Row(f"{what}: first row", "s", Sample.of([first]), {}, (at_most(1),))
    yield Row(f"{what}: each", "ms", Sample.of([1000 * used / rows]), {}, (at_most(10),))
    yield Row(f"{what}: peak", "MB", Sample.of([peak]))


def _unpacked_system(folder: Path, libraries: list[str]) -> None:
    """This system's loader, C library and some libraries with all they need, as a container image would hold them."""
    from loadstone.linker import explain

    needed = {n.path for path in libraries for n in explain(path, bindings=False).graph.nodes}
    for path in sorted(needed | {"/etc/ld.so.cache"} | _LOADERS):
        if os.path.exists(path):
            target = folder / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def _root() -> Iterator[Row]:
    libraries = sample(_OF_A_ROOT)
    with tempfile.TemporaryDirectory() as name:
        _unpacked_system(Path(name), libraries)
        first, used, peak, rows = _asked("/", "--root", name)
    ldd = _ldd(libraries)
    theirs = None if ldd is None else Sample.of([ldd() * rows / len(libraries)])
    what = f"system in a folder, {rows} rows"
    yield Row(f"{what}: first row", "s", Sample.of([first]), {}, (at_most(1),))
    yield Row(f"{what}: all", "s", Sample.of([used]), {_LDD: theirs}, (times_of(_LDD, 5),),
              note=f"ldd of {len(libraries)} of them, scaled, on this system: it knows no other")  # fmt: skip
    yield Row(f"{what}: peak", "MB", Sample.of([peak]), {}, (at_most(300),))


FIGURES = (
    Figure("whole wheel", _whole_wheel),
    Figure("independent libraries", _independent),
    Figure("system in a folder", _root),
)
