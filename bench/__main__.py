"""Run the benchmarks, all or those named: ``python -m bench [NAME ...]``.

A figure that cannot be measured is named and the rest go on; the exit status is then 1. ``--json FILE`` keeps the
figures, those of other benchmarks in FILE stay; ``--compare FILE`` fails with 1 when one is worse than in FILE beyond
noise, ``--bars`` when a bar is missed.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.figure import Row
from bench.table import compared, kept, render

MODULES = (
    "startup",
    "load",
    "find",
    "calls",
    "elf_facts",
    "pe_macho_facts",
    "graph",
    "growth",
    "survey",
    "probe",
    "review",
    "review_corpus",
    "fuzz",
    "fuzz_parsers",
    "fleet",
    "ratios",
)


_SAID = 300
"""Characters of an error that are told: a compiler's command may be long."""


def _measured(name: str, failures: list[str]) -> Iterator[Row]:
    """The rows of a module as they come, printed; what fails is printed in its place and added to ``failures``."""
    print(f"== {name}", flush=True)
    try:
        figures = import_module(f"bench.{name}").FIGURES
    except Exception as error:  # noqa: BLE001 - a peer's import can fail in any way; the other modules go on
        failures.append(f"{name}: {type(error).__name__}: {str(error)[:_SAID]}")
        print(f"FAILED {failures[-1]}", flush=True)
        return
    for figure in figures:
        try:
            for row in figure.measure():
                print(render(row), flush=True)
                yield row
        except Exception as error:  # noqa: BLE001 - as above
            failures.append(f"{name}, {figure.what}: {type(error).__name__}: {str(error)[:_SAID]}")
            print(f"FAILED {failures[-1]}", flush=True)


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _keep(path: Path, name: str, rows: list[Row], failures: list[str]) -> None:
    """Write what there is of a benchmark, after every row: who ends it early has the rows before."""
    together = (_read(path) if path.exists() else {}) | {name: kept(rows, failures)}
    path.write_text(json.dumps(together, indent=1) + "\n", encoding="utf-8")


def main(words: list[str]) -> int:
    """Measure, print, keep, compare."""
    parser = ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODULES))
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures in FILE")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="fail when a figure is worse than in FILE")
    parser.add_argument("--bars", action="store_true", help="fail when a bar is missed")
    options = parser.parse_args(words)
    unknown = [name for name in options.names if name not in MODULES]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(MODULES)}")
    before = _read(options.compare) if options.compare else {}
    found: dict[str, list[str]] = {"missed": [], "worse": [], "failed": []}
    count = 0
    for name in options.names or MODULES:
        failures: list[str] = []
        rows: list[Row] = []
        for row in _measured(name, failures):
            rows.append(row)
            if options.json:
                _keep(options.json, name, rows, failures)
        if options.json:
            _keep(options.json, name, rows, failures)
        count += len(rows)
        found["failed"] += failures
        found["missed"] += [f"{row.what}: {bar.text}" for row in rows for bar in row.bars if bar.met(row) is False]
        found["worse"] += compared(rows, before.get(name, {}).get("rows", {}))
    print(f"== {count} figures, {len(found['missed'])} bars missed, {len(found['failed'])} failed", flush=True)
    for title, texts in found.items():
        for text in texts:
            print(f"{title}: {text}", flush=True)
    return int(bool(found["failed"] or found["worse"] or (options.bars and found["missed"])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
