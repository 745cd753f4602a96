"""Review: lines a second of one core over real sources, beside other reviewers of the same files.

The sources are those the tests fetch (``tests/sources.py``).
clang-tidy is left out: without the projects' headers it gives up at the first ``#include``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

from tests.sources import SOURCES, tree

from bench.figure import Bar, Figure, Row, Sample, at_least, at_most, beside, each_call, faster_than, processor_seconds
from loadstone.review.cache import Cache
from loadstone.review.engine import Options, review

_LOADS = re.compile(rb"\b(?:dlopen|dlsym|LoadLibrary\w*|GetProcAddress|g_module_open\w*|SDL_LoadObject)\s*\(")
_LINES = 30_000
"""Lines a figure is taken over: enough to forget the start, few enough for the slowest peer."""
_SPREAD = (
    "reading the sources alone makes 23,000 lines/s of C and 40,000 of Python; the rest is the walk, whose nodes are "
    "spread over many functions. Up to nine tenths of them lie in callees that are walked anew with each caller's "
    "state, often in a logger that each function calls: summaries of these are what is left to gain, for the walk "
    "compiled with mypyc is only 1.3 times as fast"
)


@cache
def _files() -> tuple[Path, ...]:
    """Every file of the trees the tests fetch, which are fetched now where they are not there."""
    return tuple(file for name in SOURCES for file in sorted(tree(name).rglob("*")))


def _native() -> list[Path]:
    return [p for p in _files() if p.suffix in {".c", ".cpp"}]


def _any_native() -> Iterator[Row]:
    bars = (at_least(20_000, _SPREAD), faster_than("cppcheck", 5, _SPREAD))
    yield _row("C and C++, whatever comes", _some(_native()), ("cppcheck", "flawfinder"), bars)


def _loading_native() -> Iterator[Row]:
    loading = [p for p in _native() if _LOADS.search(p.read_bytes())]
    bars = (at_least(20_000, _SPREAD), faster_than("cppcheck", 5, _SPREAD))
    yield _row("C and C++ that handles libraries", _some(loading), ("cppcheck", "flawfinder"), bars)


def _python() -> Iterator[Row]:
    written = [p for p in _files() if p.suffix == ".py"]
    found = [p for p in written if "ctypes" in p.read_text(encoding="utf-8", errors="replace")]
    yield _row(
        "Python with ctypes", _some(found), ("bandit",), (at_least(20_000, _SPREAD), faster_than("bandit", 1, _SPREAD))
    )


_PART_OF_A_MILLION = 100_000
_FOR_TWO = 400_000
"""Lines that are several parts: a review is shared out in parts of 2 MB."""
_MILLION = 1_000_000
_MEMORY = 1536
"""Megabytes that a million lines may take."""


def _second_core() -> Iterator[Row]:
    """One process beside two, in wall time: only a machine that does nothing else can show it."""
    chosen = _mixed(_FOR_TWO)
    alone, together = (each_call(_reviewing(chosen, jobs), clock=time.perf_counter) for jobs in (1, 2))
    lines = sum(map(_length, chosen))
    yield beside(
        f"review {lines:,} mixed lines with two processes",
        "s",
        together,
        {"one process": alone},
        (faster_than("one process", 1.8, "fails where other work has the second core"),),
        rounds=2,
    )


def _unchanged() -> Iterator[Row]:
    chosen = _mixed(_PART_OF_A_MILLION)
    with tempfile.TemporaryDirectory() as folder:
        cached = Options(cache=Cache(Path(folder)))
        names = [str(path) for path in chosen]
        review(names, cached)
        yield beside(
            f"review {sum(map(_length, chosen)):,} unchanged lines again",
            "s",
            each_call(lambda: review(names, cached)),
            {"without the cache": each_call(lambda: review(names))},
            (faster_than("without the cache", 10),),
            rounds=2,
        )


def _million() -> Iterator[Row]:
    """A million lines, or all there are, by the command in a process of its own: its largest resident set."""
    chosen = _mixed(_MILLION)
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(chosen):
            target = Path(folder, f"{number // 500}", f"{number}{path.suffix}")
            target.parent.mkdir(exist_ok=True)
            target.symlink_to(path)
        words = [sys.executable, "-m", "loadstone", "review", folder, "--no-cache", "--jobs", "2", "-o", os.devnull]
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        _, _, used = os.wait4(process.pid, 0)
    lines = sum(map(_length, chosen))
    megabytes = used.ru_maxrss / 1024
    yield Row(f"memory of a review of {lines:,} mixed lines", "MB", Sample.of([megabytes]), {}, (at_most(_MEMORY),))


def _mixed(lines: int) -> list[Path]:
    """Sources of all languages, as they come in the trees, until there are so many lines."""
    chosen: list[Path] = []
    for path in (p for p in _files() if p.suffix in {".c", ".cpp", ".h", ".py"} and p.is_file()):
        if lines <= 0:
            break
        chosen.append(path)
        lines -= _length(path)
    return chosen


def _reviewing(files: Sequence[Path], jobs: int) -> Callable[[], object]:
    return lambda: review([str(path) for path in files], Options(jobs=jobs))


FIGURES = (
    Figure("C and C++", _any_native),
    Figure("C and C++ that handles libraries", _loading_native),
    Figure("Python with ctypes", _python),
    Figure("an unchanged tree", _unchanged),
    Figure("two cores", _second_core),
    Figure("a million lines", _million),
)


def _some(files: list[Path]) -> list[Path]:
    """Files from all over the list, together about as long as wanted."""
    chosen: list[Path] = []
    lines = 0
    for path in files[::7] + files[3::7]:
        if lines >= _LINES:
            break
        chosen.append(path)
        lines += _length(path)
    return chosen


def _length(path: Path) -> int:
    return path.read_bytes().count(b"\n") + 1


def _row(what: str, files: Sequence[Path], peers: Sequence[str], bars: tuple[Bar, ...]) -> Row:
    lines = sum(map(_length, files))
    paths = [str(path) for path in files]
    rates = {name: _peer(name, paths, lines) for name in peers}
    what = f"review {what} ({lines:,} lines)"
    ours = _rate(lambda: review(paths), lines)
    return beside(what, "lines/s", ours, rates, bars, rounds=3, more_is_better=True)


def _rate(work: Callable[[], object], lines: int) -> Callable[[], float]:
    """Lines a second of processor time, that of the programs it runs included."""
    measure = each_call(work, clock=processor_seconds)
    return lambda: lines / measure()


def _peer(name: str, paths: Sequence[str], lines: int) -> Callable[[], float] | None:
    from loadstone.review.engines import ENGINES
    from loadstone.review.engines.tool import Unheard
    from loadstone.review.engines.tool import run as ask

    try:
        list(ask(ENGINES[name], paths[:1]))
    except Unheard:
        return None
    return _rate(lambda: list(ask(ENGINES[name], paths)), lines)
