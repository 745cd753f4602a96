"""Full facts of ELF images: 500 system libraries, and one with 50,000 symbols; beside LIEF, pyelftools and readelf.

"Facts" are machine, SONAME, needed, search paths, versions, hardening and the names of all dynamic symbols. Ours gives
relocation use, initialisers, notes and sections on top. Peaks are of a fresh process that reads the one large library.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean

from bench.figure import (
    Figure,
    Row,
    Sample,
    at_most,
    beside,
    cpu_of,
    each_call,
    faster_than,
    processor_seconds,
    times_of,
)

_FILES = 500
_MINIMAL = "LIEF, minimal"
_LEFT_OUT = "LIEF minimal reads no relocations, notes and .symtab; ours does"
_SYMBOLS = 50_000
_MANY_SYMBOLS = 80_000
_HUGE = 1 << 30
_FLAT = (
    "about 1,400 Python calls a file, none above 5 % of the whole; hardening and initialisers are judged, which is not "
    "asked of LIEF; a native reader of the tables would be needed"
)
_WHY = (
    "both make a Python string of every name, which is most of ours; seven names that tell of hardening are looked for "
    "in the whole string table, the other half: a native reader could answer both without making any"
)
_AS_TEXT = "as text, the same facts (-v)"

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


def _turns(paths: list[str], rounds: int) -> dict[str, list[float]]:
    """For each reader the best milliseconds of every file; all readers take turns on one file after the other."""
    readers = {"loadstone": _ours(), **{n: make() for n, (make, present, _) in PEERS.items() if present}}
    best: dict[str, list[float]] = {name: [] for name in readers}
    for path in paths:
        for name, reader in readers.items():
            times = (PEERS[name][2] if name in PEERS else rounds) if len(paths) > 1 else rounds
            measure = each_call(partial(reader, path), clock=processor_seconds)
            best[name].append(1000 * min(measure() for _ in range(times)))
    return best


def _system_libraries() -> Iterator[Row]:
    best = _turns(sample(), 3)
    what = f"ELF facts, {len(best['loadstone'])} system libraries"
    middle: dict[str, Sample | None] = {name: Sample.of(times) for name, times in best.items() if name != "loadstone"}
    mean: dict[str, Sample | None] = {
        n: Sample(fmean(t), fmean(t), fmean(t)) for n, t in best.items() if n != "loadstone"
    }
    for name, (_, present, _) in PEERS.items():
        if not present:
            middle[name] = mean[name] = None
    ours = best["loadstone"]
    bars = (at_most(0.35, _FLAT), times_of(_MINIMAL, 1.2, _FLAT))
    yield Row(f"{what}, median", "ms/file", Sample.of(ours), middle, bars,
              note="the spread is that between files; " + _LEFT_OUT)  # fmt: skip
    average = fmean(ours)
    bars = (faster_than("LIEF, default", 2, _FLAT), faster_than("pyelftools", 40, _FLAT))
    yield Row(f"{what}, mean", "ms/file", Sample(average, average, average), mean, bars, note=_LEFT_OUT)


def _one_large_library() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = large_library(Path(folder))
        best = {name: Sample.of(times) for name, times in _turns([path], 5).items()}
        ours = best.pop("loadstone")
        what = f"ELF facts, {_SYMBOLS:,} exported symbols"
        yield Row(what, "ms", ours, best, (at_most(80), faster_than(_MINIMAL)))
        peaks = {n: _peak_mb(n, path) for n, (_, present, _) in PEERS.items() if present and n != "readelf"}
        peers = {name: Sample.of([peak]) for name, peak in peaks.items()}
        yield Row(f"{what}, peak", "MB", Sample.of([_peak_mb("loadstone", path)]), peers, (at_most(45),))


def _many_symbols() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = large_library(Path(folder), _MANY_SYMBOLS)
        best = {name: Sample.of(times) for name, times in _turns([path], 5).items()}
    ours = best.pop("loadstone")
    bar = faster_than("LIEF, default", 3, _WHY)
    yield Row(f"ELF facts, {_MANY_SYMBOLS:,} exported symbols", "ms", ours, best, (bar,), note=_LEFT_OUT)


def huge_library(folder: Path) -> str:
    """A library of a gigabyte, nearly all of it a hole before its section headers."""
    small = Path(large_library(folder, 100)).read_bytes()
    (sections,) = struct.unpack_from("<Q", small, 0x28)
    target = folder / "libhuge.so"
    with target.open("wb") as stream:
        stream.write(small[:0x28] + struct.pack("<Q", _HUGE) + small[0x30:])
        stream.seek(_HUGE)
        stream.write(small[sections:])
    return str(target)


def _huge() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = huge_library(Path(folder))
        best = {"loadstone": Sample.of(_turns([path], 5)["loadstone"])}
        what = "ELF facts, a library of 1 GB"
        yield Row(what, "ms", best["loadstone"], {}, (at_most(50),), note="LIEF and pyelftools are not asked: "
                  "LIEF takes the whole file into memory")  # fmt: skip
        yield Row(f"{what}, peak", "MB", Sample.of([_peak_mb("loadstone", path)]), {}, (at_most(60),))


def _json_beside_text() -> Iterator[Row]:
    path = max(sample(100_000), key=os.path.getsize)
    command = (sys.executable, "-m", "loadstone", "inspect", path)
    what = f"inspect {os.path.basename(path)} ({os.path.getsize(path) / 1e6:.0f} MB) as JSON"
    text = {_AS_TEXT: cpu_of(*command, "-v"), "as text, in short": cpu_of(*command)}
    yield beside(what, "s", cpu_of(*command, "--format", "json"), text, (times_of(_AS_TEXT, 1.5),), rounds=3,
                 note="in short names a few exports; the other two name and demangle them all")  # fmt: skip


FIGURES = (
    Figure("system libraries", _system_libraries),
    Figure("one large library", _one_large_library),
    Figure("80,000 symbols", _many_symbols),
    Figure("a library of 1 GB", _huge),
    Figure("JSON of the largest library", _json_beside_text),
)
