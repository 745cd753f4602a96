"""The link editor's symbol table: all of it where it is whole, none or some of it where it is not."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

import pytest
from tests.conftest import Compile, needed
from tests.scale import SCALE

from loadstone.binary import read
from loadstone.binary.elf import link_symbols
from loadstone.binary.elf.link_symbols import debug_twin, read_link_symbols

SOURCE = "static int hidden_here(int n) { return n + 1; } int shown(int n) { return hidden_here(n); }"
_CHANGES = 300


@pytest.fixture(scope="module")
def library(compile_library: Compile) -> Path:
    return Path(compile_library(SOURCE, "liblocal.so", "-O0", "-Wl,--build-id=0x0123456789abcdef"))


def test_functions_that_are_not_exported_have_names_and_places(library: Path) -> None:
    (hidden,) = read_link_symbols(library).named("hidden_here")
    (shown,) = read(library).symbols.named("shown")
    assert hidden.value < shown.value
    assert not read(library).symbols.named("hidden_here")


def test_a_stripped_library_and_what_is_no_library_have_none(library: Path, tmp_path: Path) -> None:
    stripped = tmp_path / "libstripped.so"
    subprocess.run([needed("strip"), "-o", stripped, library], check=True)
    (tmp_path / "text").write_text("no library")
    for path in (stripped, tmp_path / "text", tmp_path / "missing", tmp_path):
        assert len(read_link_symbols(path)) == 0


def test_no_damage_breaks_it(library: Path, tmp_path: Path) -> None:
    data, random, damaged = library.read_bytes(), Random(7), tmp_path / "libdamaged.so"
    headers = int.from_bytes(data[40:48], "little")
    for _ in range(_CHANGES * SCALE):
        changed = bytearray(data)
        for _ in range(random.randint(1, 6)):
            at = random.choice((random.randrange(64), random.randrange(headers, len(data))))
            changed[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
        damaged.write_bytes(changed[: random.choice((len(changed), random.randrange(len(changed))))])
        table = read_link_symbols(damaged)
        assert len(table.names) == len(table.values) <= len(data) // 24


def test_the_twin_is_the_file_that_the_build_id_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_symbols, "_TWINS", str(tmp_path))
    (tmp_path / "01").mkdir()
    twin = tmp_path / "01" / "23456789abcdef.debug"
    assert debug_twin("0123456789abcdef") is None
    twin.write_bytes(b"")
    assert debug_twin("0123456789abcdef") == str(twin)
    assert debug_twin("01/../01") is None
