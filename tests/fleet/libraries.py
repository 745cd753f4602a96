"""Real libraries of this system to scan, and what binutils says of them."""

from __future__ import annotations

import glob
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.tools import needed

from loadstone.fleet import Store
from loadstone.fleet.schema import TABLES

__all__ = ["Readelf", "all_rows", "some_libraries"]


def some_libraries(folder: Path, count: int, most: int = 1_500_000) -> list[Path]:
    """Copies of the first ``count`` distinct libraries of this system that are no larger than ``most`` bytes."""
    folder.mkdir()
    real = {os.path.realpath(path) for path in glob.glob("/usr/lib/*-linux-gnu*/*.so.*")}
    chosen = [path for path in sorted(real) if os.path.getsize(path) <= most][:count]
    for path in chosen:
        (folder / os.path.basename(path)).write_bytes(Path(path).read_bytes())
    return sorted(folder.iterdir())


def all_rows(store: Store, snapshot: str = "") -> dict[str, list[str]]:
    """Every row of every table, sorted: equal for equal snapshots, whoever made them."""
    return {name: sorted(map(repr, store.table(name, snapshot).to_pylist())) for name in TABLES}


class Readelf:
    """An independent reading of one library."""

    def __init__(self, path: Path) -> None:
        words = [needed("readelf"), "-W", "-d", "--dyn-syms", "-V", "-n", str(path)]
        self.text = subprocess.run(words, capture_output=True, text=True, check=False).stdout

    def _all(self, pattern: str) -> list[Any]:
        return re.findall(pattern, self.text, re.MULTILINE)

    @property
    def soname(self) -> str | None:
        return next(iter(self._all(r"\(SONAME\).*\[(.*)\]")), None)

    @property
    def needed(self) -> list[str]:
        return self._all(r"\(NEEDED\).*\[(.*)\]")

    @property
    def build_id(self) -> str | None:
        return next(iter(self._all(r"Build ID: ([0-9a-f]+)")), None)

    @property
    def symbols(self) -> list[tuple[str, str, str]]:
        """Role, name and version of every named symbol that others can see or that is wanted of them."""
        row = r"^ *\d+: [0-9a-f]+ +\S+ +(\w+) +(<OS specific>: \d+|\w+) +(\w+)(?: +\[.*?\])? +(\w+) (\S+)"
        found = []
        for kind, binding, visibility, section, name in self._all(row):
            role = "import" if section == "UND" else "export"
            if role == "export" and (binding == "LOCAL" or visibility not in ("DEFAULT", "PROTECTED")):
                continue
            plain, _, version = name.replace("@@", "@").partition("@")
            if section == "ABS":  # of a version itself; readelf shows it without its version
                version = plain
            if not (kind == "SECTION" and not plain):
                found.append((role, plain, version))
        return sorted(found)

    @property
    def version_needs(self) -> set[tuple[str, str]]:
        """Library and version."""
        found, library = set(), ""
        for file, name in self._all(r"Version: 1  File: (\S+)|Name: (\S+)  Flags: \S+ +Version: \d+$"):
            library = file or library
            if name and library:
                found.add((library, name))
        return found
