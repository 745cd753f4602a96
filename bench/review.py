"""Review: lines a second of one core over real sources, beside other reviewers of the same files.

The sources are those the tests fetch (``python -m tests.sources``); without them there is nothing to measure.
clang-tidy is left out: without the projects' headers it gives up at the first ``#include``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time

from bench.table import Row, render

__all__ = ["run"]

_CACHE = Path(os.environ.get("LOADSTONE_TEST_CACHE", Path.home() / ".cache" / "loadstone-tests"))
_TREES = _CACHE / "sources" / "trees"
_LOADS = re.compile(rb"\b(?:dlopen|dlsym|LoadLibrary\w*|GetProcAddress|g_module_open\w*|SDL_LoadObject)\s*\(")
_LINES = 30_000
"""Lines a figure is taken over: enough to forget the start, few enough for the slowest peer."""


def run() -> list[Row]:
    native = [p for p in sorted(_TREES.rglob("*")) if p.suffix in {".c", ".cpp"}]
    python = [p for p in sorted(_TREES.rglob("*.py")) if "ctypes" in p.read_text(encoding="utf-8", errors="replace")]
    if not native:
        return [Row("review (no sources in the cache)", None, "lines/s", {}, ">= 20,000")]
    loading = [p for p in native if _LOADS.search(p.read_bytes())]
    return [
        _row("C and C++, whatever comes", _some(native), ("cppcheck", "flawfinder"), ">= 20,000"),
        _row("C and C++ that handles libraries", _some(loading), ("cppcheck", "flawfinder"), ">= 5x cppcheck"),
        _row("Python that speaks of ctypes", _some(python), ("bandit",), "faster than bandit"),
    ]


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


def _row(what: str, files: Sequence[Path], peers: Sequence[str], bar: str) -> Row:
    from loadstone.review.engine import review

    lines = sum(map(_length, files))
    paths = [str(path) for path in files]
    seconds = _seconds(lambda: review(paths))
    theirs = {name: _peer(name, paths, lines) for name in peers}
    return Row(f"review {what} ({lines:,} lines)", lines / seconds, "lines/s", theirs, bar)


def _seconds(work: Callable[[], object]) -> float:
    """Processor time of the work, that of the programs it runs included."""
    before = os.times()
    start = process_time()
    work()
    after = os.times()
    children = after.children_user + after.children_system - before.children_user - before.children_system
    return process_time() - start + children


def _peer(name: str, paths: Sequence[str], lines: int) -> float | None:
    from loadstone.review.engines import ENGINES
    from loadstone.review.engines.tool import Unheard
    from loadstone.review.engines.tool import run as ask

    try:
        return lines / _seconds(lambda: list(ask(ENGINES[name], paths)))
    except Unheard:
        return None


if __name__ == "__main__":
    print(render(run()))
