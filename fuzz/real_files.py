"""Splices of real files, by hand: ``python -m fuzz.real_files FOLDER...``.

As many as asked for are made, read and rendered; each must stay within the time and the memory any bytes are allowed.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

from fuzz.parsers import read_and_render
from fuzz.splice import LONGEST, PIECE, splice

_SECONDS: Final = 0.5  # of the processor: five times what reading such a file may take, for rendering it comes on top
_MEMORY: Final = 64 << 20
_MEASURED: Final = 16  # one in so many is measured for memory too, which slows it down
_SLOWER: Final = 8


def _donors(folders: list[Path]) -> list[bytes]:
    """The files in folders that are no larger than a spliced one may be, in order of their names."""
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [path.read_bytes() for path in paths if 0 < path.stat().st_size <= LONGEST]


def _faults(data: bytes, *, measured: bool) -> list[str]:
    """What is wrong with the way these bytes were read."""
    if measured:
        tracemalloc.start()
    began, found = time.process_time(), []
    try:
        read_and_render(data)
    except Exception as error:  # noqa: BLE001 - whatever leaves a parser is a fault of ours
        found.append(f"escape: {error!r}")
    took, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1] if measured else 0
    tracemalloc.stop()
    if took > _SECONDS * (_SLOWER if measured else 1):
        found.append(f"slow: {took:.2f} s for {len(data)} bytes")
    if peak > _MEMORY:
        found.append(f"fat: {peak >> 20} MiB for {len(data)} bytes")
    return found


def main() -> int:
    """Splice, read, and say what broke, took too long or too much."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.real_files", description="Splice real files and read them.")
    parser.add_argument("folders", nargs="+", type=Path, help="folders of real binaries")
    parser.add_argument("--count", type=int, default=20_000, help="how many files are made (20,000)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    files, random, faults = _donors(asked.folders), Random(asked.seed), Counter[str]()
    for number in range(asked.count):
        recipe = random.randbytes(1 + PIECE.size * random.randint(1, 6))
        for fault in _faults(splice(recipe, files), measured=not number % _MEASURED):
            faults[fault.partition(":")[0]] += 1
            print(f"{recipe.hex()}: {fault}", file=sys.stderr)
    told = ", ".join(f"{faults[kind]} {kind}" for kind in ("escape", "slow", "fat"))
    print(f"{asked.count} splices of {len(files)} files: {told}")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
