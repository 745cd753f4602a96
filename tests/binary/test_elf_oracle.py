"""What pyelftools and readelf say of real files is what the reader says, or the difference is explained here."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from struct import iter_unpack, pack
from typing import Any

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection
from tests.conftest import needed
from tests.scale import SCALE

from loadstone.binary import FileKind, identify_file, read
from loadstone.binary.elf.machines import machine
from loadstone.core.image import Image, SymbolBinding, SymbolKind, Visibility
from loadstone.errors import Unreadable

_SAMPLE = 320


def _system_files() -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    roots = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/bin", sysconfig.get_path("platlib"))
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                path = Path(folder, name)
                if (".so" not in name and root != "/usr/bin") or not path.is_file():
                    continue
                status = path.stat()
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    yield path


def _is_elf(path: Path) -> bool:
    try:
        return identify_file(path).kind is FileKind.ELF
    except Unreadable:
        return False


@pytest.fixture(scope="module")
def sample() -> list[Path]:
    """The same files on every run on one machine: the order is that of a digest of their paths."""
    files = sorted(_system_files(), key=lambda path: hashlib.sha256(str(path).encode()).digest())
    return list(islice(filter(_is_elf, files), _SAMPLE * SCALE))


_KINDS = {
    "STT_NOTYPE": SymbolKind.UNTYPED,
    "STT_OBJECT": SymbolKind.OBJECT,
    "STT_FUNC": SymbolKind.FUNCTION,
    "STT_SECTION": SymbolKind.SECTION,
    "STT_FILE": SymbolKind.FILE,
    "STT_COMMON": SymbolKind.COMMON,
    "STT_TLS": SymbolKind.TLS,
    "STT_LOOS": SymbolKind.IFUNC,  # 10 is STT_GNU_IFUNC on Linux
}
_BINDINGS = {
    "STB_LOCAL": SymbolBinding.LOCAL,
    "STB_GLOBAL": SymbolBinding.GLOBAL,
    "STB_WEAK": SymbolBinding.WEAK,
    "STB_LOOS": SymbolBinding.UNIQUE,  # 10 is STB_GNU_UNIQUE on Linux
}


def _text(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")


def _facts_of_pyelftools(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        facts: dict[str, Any] = {
            "bits": elf.elfclass,
            "little": elf.little_endian,
            "machine": elf.header["e_machine"],
            "segments": [
                (s["p_offset"], s["p_vaddr"], s["p_filesz"], s["p_memsz"], s["p_flags"] & 7, s["p_align"])
                for s in elf.iter_segments()
            ],
            "sections": [(s.name, s["sh_offset"], s["sh_size"], s["sh_addr"]) for s in elf.iter_sections()],
            "needed": [],
            "soname": None,
            "rpath": [],
            "runpath": [],
        }
        dynamic = next((s for s in elf.iter_segments() if isinstance(s, DynamicSegment)), None)
        tags: list[Any] = list(dynamic.iter_tags()) if dynamic else []  # .needed and the like appear by tag
        for tag in tags:
            if tag.entry.d_tag == "DT_NEEDED":
                facts["needed"].append(tag.needed)
            elif tag.entry.d_tag == "DT_SONAME":
                facts["soname"] = tag.soname
            elif tag.entry.d_tag == "DT_RPATH":
                facts["rpath"] = tag.rpath.split(":")
            elif tag.entry.d_tag == "DT_RUNPATH":
                facts["runpath"] = tag.runpath.split(":")
        facts |= _tables_of_pyelftools(elf)
        return facts


def _tables_of_pyelftools(elf: ELFFile) -> dict[str, Any]:
    facts: dict[str, Any] = {"symbols": [], "verneed": [], "verdef": [], "versym": []}
    for section in elf.iter_sections():
        if isinstance(section, SymbolTableSection) and section["sh_type"] == "SHT_DYNSYM":
            facts["symbols"] = [
                (
                    _text(s.name),
                    _KINDS.get(s["st_info"]["type"], SymbolKind.OTHER),
                    _BINDINGS.get(s["st_info"]["bind"], SymbolBinding.OTHER),
                    Visibility(s["st_other"]["visibility"].removeprefix("STV_").lower()),
                    s["st_shndx"] != "SHN_UNDEF",
                    s["st_value"],
                    s["st_size"],
                )
                for s in section.iter_symbols()
            ]
        elif isinstance(section, GNUVerNeedSection):
            facts["verneed"] = [
                (need.name, aux.name, aux["vna_other"], aux["vna_hash"], bool(aux["vna_flags"] & 2))
                for need, auxiliaries in section.iter_versions()
                for aux in auxiliaries
            ]
        elif isinstance(section, GNUVerDefSection):
            facts["verdef"] = [
                (definition["vd_ndx"], bool(definition["vd_flags"] & 1), [aux.name for aux in auxiliaries])
                for definition, auxiliaries in section.iter_versions()
            ]
        elif isinstance(section, GNUVerSymSection):
            data = section.data()
            layout = "<H" if elf.little_endian else ">H"
            facts["versym"] = [index for (index,) in iter_unpack(layout, data)]
    return facts


def _facts_of_ours(image: Image) -> dict[str, Any]:
    flags = {"r": 4, "w": 2, "x": 1, "-": 0}
    return {
        "bits": image.bits,
        "little": image.byte_order == "little",
        "segments": [
            (s.offset, s.address, s.file_size, s.memory_size, sum(flags[c] for c in s.flags), s.alignment)
            for s in image.segments
        ],
        "sections": [(s.name, s.offset, s.size, s.address) for s in image.sections],
        "needed": [d.name for d in image.needed if d.kind == "needed"],
        "soname": image.identity,
        "rpath": list(image.rpath),
        "runpath": list(image.runpath),
        "symbols": [(s.name, s.kind, s.binding, s.visibility, s.defined, s.value, s.size) for s in image.symbols],
        "verneed": [(n.file, n.name, n.index, n.hash, n.weak) for n in image.version_needs],
        "verdef": [(d.index, d.base, [d.name, *d.parents]) for d in image.version_definitions],
        "versym": list(image.native.version_indexes),  # type: ignore[attr-defined]
    }


@pytest.mark.slow
def test_every_fact_equals_what_pyelftools_says(sample: list[Path]) -> None:
    assert len(sample) >= 300, "too few libraries on this machine to compare with"
    differences = []
    for path in sample:
        image = read(path)
        if image.kind == "debug":
            continue  # its tables were emptied; pyelftools reads the neighbours' bytes as a dynamic section
        ours, theirs = _facts_of_ours(image), _facts_of_pyelftools(path)
        for fact, value in ours.items():
            if value != theirs[fact]:
                differences.append((str(path), fact, str(value)[:300], str(theirs[fact])[:300]))
        assert image.damage == (), path
    assert differences == []


_READELF_SYMBOL = re.compile(r"^ *\d+: [0-9a-f]+ +\S+ +(\S+) +(\S+) +(\S+) +(?:\[[^]]*\] +)?(\S+) ?(.*)$")


def _spelled_like_readelf(image: Image) -> list[tuple[str, bool]]:
    spelled = []
    for symbol in image.symbols:
        name, version = symbol.name, symbol.version
        if version is not None and name != version.name:  # the symbol that stands for a version is printed bare
            offered = symbol.defined and version.file is None  # a copied datum is defined, with a needed version
            name += ("@@" if offered and version.is_default else "@") + version.name
        spelled.append((name, symbol.defined))
    return spelled


def test_symbol_versions_are_spelled_as_readelf_spells_them(sample: list[Path]) -> None:
    readelf = needed("readelf")
    for path in sample[: 60 * SCALE]:
        told = subprocess.run(
            [readelf, "--dyn-syms", "-W", str(path)], capture_output=True, text=True, check=False, errors="replace"
        )
        theirs = []
        for line in told.stdout.splitlines():
            found = _READELF_SYMBOL.match(line)
            if found:
                theirs.append((found[5].partition(" ")[0], found[4] != "UND"))
        assert _spelled_like_readelf(read(path)) == theirs, path


def test_every_processor_readelf_knows_has_a_name(tmp_path: Path) -> None:
    """All official numbers, and some of those that are not."""
    codes = [*range(512), 0x1057, 0x1223, 0x3330, 0x4157, 0x5AA5, 0x9026, 0x9080, 0xA390, 0xBAAB, 0xFEBA]
    for code in codes:
        header = b"\x7fELF\2\1\1" + bytes(9) + pack("<HHIQQQIHHHHHH", 1, code, 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0)
        (tmp_path / str(code)).write_bytes(header)
    command = [needed("readelf"), "-h", *map(str, codes)]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    known = re.findall(r"Machine:\s+(.*)", told)
    assert len(known) == len(codes)
    for code, words in zip(codes, known, strict=True):
        if not words.startswith("<unknown>"):
            assert not machine(code, 64).name.startswith("machine "), (code, words)


def test_a_table_that_runs_on_into_the_next_segment_is_read_whole(tmp_path: Path) -> None:
    source, program = tmp_path / "main.c", tmp_path / "main"
    source.write_text("int main(void) { return 0; }")
    subprocess.run([needed("gcc"), "-no-pie", source, "-o", program], check=True)
    runpath = "/a" * 3500  # more than the segment that patchelf puts in front of a program of fixed address
    subprocess.run([needed("patchelf"), "--set-rpath", runpath, program], check=True)
    image = read(program)
    assert not image.damage
    assert "libc.so.6" in {dependency.name for dependency in image.needed}
    assert image.runpath == (runpath,)
    subprocess.run([program], check=True)
