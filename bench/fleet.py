"""Scan a folder of libraries and ask three questions of it, beside a loop of readelf and sqlelf, which read for each.

All answer: who needs a GLIBC version, who imports a symbol, who needs a library by name. One worker; processor time
of all processes.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from bench.figure import Figure, Row, beside, each_call, faster_than, processor_seconds
from loadstone.fleet import Store, scan

_COUNT = 120
_VERSION, _SYMBOL, _LIBRARY = "GLIBC_2.34", "memcpy", "libm.so.6"


def _libraries(folder: Path) -> list[str]:
    found = sorted({os.path.realpath(path) for path in glob.glob("/usr/lib/*-linux-gnu*/*.so.*")})[:_COUNT]
    return [shutil.copy(path, folder) for path in found]


def _ours(folder: Path) -> None:
    place = tempfile.mkdtemp(dir=folder.parent)
    scan(str(folder), store=place, workers=1, resolve=False)
    store = Store(place)
    store.ask("needs-version", _VERSION)
    store.ask("breaks-if", "libc.so.6", _SYMBOL)
    store.sql("SELECT path FROM needs JOIN packages USING (file) WHERE name = $name", {"name": _LIBRARY})


def _readelf(paths: list[str]) -> None:
    """Each question by itself, as people write it."""
    for words, pattern in (("-V", _VERSION), ("--dyn-syms", rf"UND {_SYMBOL}\b"), ("-d", rf"NEEDED.*{_LIBRARY}")):
        for path in paths:
            text = subprocess.run(["readelf", "-W", words, path], capture_output=True, text=True, check=False).stdout
            re.search(pattern, text)


def _sqlelf(paths: list[str]) -> None:
    from sqlelf import sql

    engine = sql.make_sql_engine(paths)
    for query in (
        f"SELECT path FROM elf_version_requirements WHERE name = '{_VERSION}'",
        f"SELECT path FROM elf_symbols WHERE imported AND name = '{_SYMBOL}'",
        f"SELECT path FROM elf_dynamic_entries WHERE tag = 'NEEDED' AND value = '{_LIBRARY}'",
    ):
        list(engine.execute(query))


def _rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "libraries")
        folder.mkdir()
        paths = _libraries(folder)
        peers = {
            "readelf": each_call(lambda: _readelf(paths), clock=processor_seconds) if shutil.which("readelf") else None,
            "sqlelf": each_call(lambda: _sqlelf(paths), clock=processor_seconds) if find_spec("sqlelf") else None,
        }
        ours = each_call(lambda: _ours(folder), clock=processor_seconds)
        why = "reading the bytes and their SHA-256 alone take more than a tenth of the loop: docs/fleet.md"
        bars = (faster_than("readelf", 10, why), faster_than("sqlelf", 10, why))
        yield beside(f"scan {len(paths)} libraries and ask three questions", "s", ours, peers, bars, rounds=3)


FIGURES = (Figure("scan and three questions", _rows),)
