"""A few ratios that CI holds, with margins so wide that only a real loss fails: ``python -m bench ratios --bars``.

Each is processor time beside that of a neighbour, measured in turns with it, so neither a slow machine nor a busy one
changes it much; the limit is two to three times what is usual. What is close to its bar is for the other benchmarks.
No peer has to be installed; gcc builds the one library.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.figure import Figure, Row, beside, cpu_of, each_call, processor_seconds, times_of
from bench.growth import chain_cost
from bench.load import small_library
from bench.startup import BARE
from loadstone.binary import read
from loadstone.library import Library, find

_STARTS: tuple[tuple[tuple[str, ...], float], ...] = (
    (("-c", "import loadstone"), 3),
    (("-c", "from loadstone import Library"), 10),
    (("-m", "loadstone", "--help"), 10),
    (("-m", "loadstone", "find", "c"), 25),
    (("-m", "loadstone", "inspect", sys.executable), 20),
    (("-m", "loadstone", "explain", sys.executable), 35),
)
"""The words after ``python``, and how many bare starts they may cost."""


def _starts() -> Iterator[Row]:
    for words, most in _STARTS:
        shown = " ".join(words).replace(sys.executable, "PYTHON")
        bare = {BARE: cpu_of(sys.executable, "-c", "")}
        bar = times_of(BARE, most)
        yield beside(f"python {shown}", "ms", cpu_of(sys.executable, *words), bare, (bar,), scale=1000, rounds=5)


def _beside(
    what: str, ours: Callable[[], object], peer: str, theirs: Callable[[], object], most: float, count: int
) -> Row:
    each = partial(each_call, number=count, clock=processor_seconds)
    return beside(what, "us", each(ours), {peer: each(theirs)}, (times_of(peer, most),), scale=1e6, rounds=5)


def _library() -> Iterator[Row]:
    raw = __import__("_ctypes")
    with tempfile.TemporaryDirectory(prefix="loadstone-bench-") as folder:
        path = small_library(Path(folder))
        yield _beside(
            "load and unload", lambda: Library(path).load().unload(),
            "dlopen and dlclose", lambda: raw.dlclose(raw.dlopen(path, 1)), 6, 400,
        )  # fmt: skip
        plain = ctypes.CDLL(path).answer
        with Library(path) as library:
            function = library.function("int answer(void)")
            yield _beside("call", function, "ctypes", plain, 2, 20_000)
            yield _beside("resolve", lambda: library.resolve("answer"), "call of ctypes", plain, 60, 2000)


def _questions() -> Iterator[Row]:
    peer = "ctypes.util.find_library"
    yield _beside("find", lambda: find("c"), peer, lambda: ctypes.util.find_library("c"), 0.5, 5)
    path = find("c").path
    assert path is not None
    bare = {BARE: cpu_of(sys.executable, "-c", "")}
    reading = each_call(lambda: read(path).symbols.names, 5)
    yield beside("facts of the C library", "ms", reading, bare, (times_of(BARE, 1),), scale=1000, rounds=5)


def _growth() -> Iterator[Row]:
    few = "a chain of 200"
    bar = times_of(few, 10)  # four times as many; squared it would be sixteen
    yield beside(
        "a chain of 800 libraries", "s", lambda: chain_cost(800), {few: lambda: chain_cost(200)}, (bar,), rounds=3
    )


FIGURES = (
    Figure("starts", _starts),
    Figure("one library", _library),
    Figure("questions", _questions),
    Figure("growth", _growth),
)
