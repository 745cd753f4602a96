"""Review: lines of C and C++ a second on one core, over whatever sources are in the cache of downloads."""

from __future__ import annotations

import os
from pathlib import Path
from time import process_time

from bench.table import Row

__all__ = ["run"]

_CACHE = Path(os.environ.get("LOADSTONE_TEST_CACHE", Path.home() / ".cache" / "loadstone-tests"))


def run() -> list[Row]:
    from loadstone.review import frontends, rules
    from loadstone.review.ir import Program

    files = sorted(p for p in (_CACHE / "sources").rglob("*") if p.suffix in {".c", ".cpp"})[::7]
    if not files:
        return [Row("review, C and C++ sources", None, "lines/s", {"(no sources in the cache)": None}, ">= 20,000")]
    lines = 0
    start = process_time()
    for path in files:
        unit = frontends.parse(path.name, path.read_bytes())
        rules.ask(Program((unit,)))
        lines += unit.line_count
    return [Row("review, C and C++ sources", lines / (process_time() - start), "lines/s", {}, ">= 20,000")]


if __name__ == "__main__":
    from bench.table import render

    print(render(run()))
