"""Full facts of ELF images: 500 system libraries, and one with 50,000 symbols; beside LIEF, pyelftools and readelf.

"Facts" are machine, SONAME, needed, search paths, versions, hardening and the names of all dynamic symbols. Ours gives
relocation use, initialisers, notes and sections on top. Peaks are of a fresh process that reads the one large library.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, median
from time import perf_counter

from bench.table import Row, render

_FILES = 500
_SYMBOLS = 50_000

Reader = Callable[[str], object]


def _ours() -> Reader:
    from loadstone.binary import read

    return lambda path: read(path).symbols.names


def _lief(*, minimal: bool) -> Reader:
    import lief

    config = lief.ELF.ParserConfig()
    if minimal:
        config.parse_relocations = config.parse_notes = config.parse_symtab_symbols = config.parse_overlay = False

    def facts(path: str) -> object:
        binary = lief.ELF.parse(path, config)
        return [symbol.name for symbol in binary.dynamic_symbols] if binary else None

    return facts


def _pyelftools() -> Reader:
    from elftools.elf.dynamic import DynamicSection
    from elftools.elf.elffile import ELFFile
    from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection
    from elftools.elf.sections import SymbolTableSection

    def facts(path: str) -> object:
        found: list[object] = []
        with open(path, "rb") as stream:
            elf = ELFFile(stream)
            for section in elf.iter_sections():
                if isinstance(section, DynamicSection):
                    found += list(section.iter_tags())
                elif isinstance(section, (GNUVerNeedSection, GNUVerDefSection)):
                    found += [[a.name for a in auxiliaries] for _, auxiliaries in section.iter_versions()]
                elif isinstance(section, SymbolTableSection) and section["sh_type"] == "SHT_DYNSYM":
                    found += [symbol.name for symbol in section.iter_symbols()]
        return found

    return facts


def _readelf() -> Reader:
    def facts(path: str) -> object:
        return subprocess.run(["readelf", "-hldVW", "--dyn-syms", path], capture_output=True, check=False).stdout

    return facts


PEERS: dict[str, tuple[Callable[[], Reader], bool, int]] = {
    # maker, whether it is installed, rounds: the slow ones are timed once
    "LIEF, default": (lambda: _lief(minimal=False), find_spec("lief") is not None, 3),
    "LIEF, minimal": (lambda: _lief(minimal=True), find_spec("lief") is not None, 3),
    "pyelftools": (_pyelftools, find_spec("elftools") is not None, 1),
    "readelf": (_readelf, shutil.which("readelf") is not None, 1),
}


def sample(count: int = _FILES) -> list[str]:
    """The same libraries on every run on one machine: the order is that of a digest of their paths."""
    found = {
        os.path.realpath(os.path.join(folder, name))
        for root in ("/usr/lib", "/lib")
        for folder, _, names in os.walk(root)
        for name in names
        if ".so" in name and os.path.isfile(os.path.join(folder, name))
    }
    ordered = sorted(found, key=lambda path: hashlib.sha256(path.encode()).digest())
    return [path for path in ordered if Path(path).open("rb").read(4) == b"\x7fELF"][:count]


def _times_ms(reader: Reader, paths: list[str], rounds: int = 3) -> list[float]:
    """For each file the best of ``rounds``, milliseconds."""
    times = []
    for path in paths:
        best = float("inf")
        for _ in range(rounds):
            start = perf_counter()
            reader(path)
            best = min(best, perf_counter() - start)
        times.append(best * 1000)
    return times


def large_library(folder: Path, symbols: int = _SYMBOLS) -> str:
    """A shared object that exports ``symbols`` functions under names as long as C++ makes them."""
    source = folder / "large.s"
    with source.open("w") as text:
        for number in range(symbols):
            name = f"_ZN9loadstone5bench14LargeNamespaceIXLj{number}EEE8functionERKNS_8ArgumentE{number:05}"
            text.write(f".globl {name}\n.type {name},@function\n{name}: ret\n.size {name},1\n")
    target = folder / "liblarge.so"
    subprocess.run(["gcc", "-shared", "-nostdlib", "-s", "-o", str(target), str(source)], check=True)
    return str(target)


def _peak_mb(what: str, path: str) -> float:
    """The peak resident set of a fresh process that reads ``path`` once, in MB."""
    code = (
        "import sys; from bench.elf_facts import reader_of; kept = reader_of(sys.argv[1])(sys.argv[2]); "
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )  # not ru_maxrss: a forked child inherits its parent's
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code, what, path], capture_output=True, text=True, check=True, cwd=root
    )
    return float(done.stdout) / 1024


def reader_of(what: str) -> Reader:
    """The reader behind a name of the table."""
    return _ours() if what == "loadstone" else PEERS[what][0]()


def run() -> list[Row]:
    paths = sample()
    medians: dict[str, float | None] = {}
    means: dict[str, float | None] = {}
    for name, (make, present, rounds) in PEERS.items():
        times = _times_ms(make(), paths, rounds) if present else None
        medians[name], means[name] = (median(times), fmean(times)) if times else (None, None)
    ours = _times_ms(_ours(), paths)
    what = f"ELF facts, {len(paths)} system libraries"
    rows = [
        Row(f"{what}, median", median(ours), "ms/file", medians, "<= 0.35"),
        Row(f"{what}, mean", fmean(ours), "ms/file", means, ">= 3x LIEF minimal, >= 40x pyelftools"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = large_library(Path(folder))
        each = {n: min(_times_ms(m(), [path], 3)) if present else None for n, (m, present, _) in PEERS.items()}
        what = f"ELF facts, {_SYMBOLS:,} exported symbols"
        rows.append(Row(what, min(_times_ms(_ours(), [path], 5)), "ms", each, "<= 80"))
        peaks = {n: _peak_mb(n, path) if present and n != "readelf" else None for n, (_, present, _) in PEERS.items()}
        rows.append(Row(f"{what}, peak", _peak_mb("loadstone", path), "MB", peaks, "<= 45"))
    return rows


if __name__ == "__main__":
    print(render(run()))
