"""Block starts and words of code, checked against objdump's view of the same instructions."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.conftest import Compile, needed

from loadstone.binary import read
from loadstone.core.image import Image
from loadstone.fuzz.code import analyse as module
from loadstone.fuzz.code.analyse import CodeMap, Level, analyse

SOURCE = r"""
#include <string.h>
static const char *const WORD = "needle-in-a-haystack";
int parse(const unsigned char *data, unsigned long size) {
    if (size < 8) return -1;
    if (*(const unsigned *)data == 0xCAFEF00D) return 1;
    if (data[4] == 'Q') { if (data[5] == 'z') return 2; return 3; }
    for (unsigned long i = 0; i < size; i++) if (!strcmp((const char *)data + i, WORD)) return 4;
    return 0;
}
int other(int x) { return x * 3; }
"""


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "libcode.so", "-O1")


def mapped(path: Path) -> tuple[Image, CodeMap]:
    content = path.read_bytes()
    image = read(content)
    return image, analyse(image, content)


def instructions(path: Path) -> dict[int, int]:
    """Address -> first byte of every instruction objdump sees."""
    shown = subprocess.run(
        [needed("objdump"), "-d", "-w", "-j", ".text", str(path)], capture_output=True, text=True, check=True
    ).stdout
    return {
        int(m[1], 16): int(m[2], 16)
        for m in re.finditer(r"^\s+([0-9a-f]+):\t([0-9a-f]{2}) ", shown, flags=re.MULTILINE)
    }


def test_every_block_of_a_function_begins_at_an_instruction_with_its_first_byte(library: Path) -> None:
    _, code = mapped(library)
    assert code.level is Level.BLOCKS
    seen = instructions(library)
    own = [f for f in code.functions if f.name in ("parse", "other")]
    inside = [(a, b) for a, b in code.blocks if any(f.address <= a < f.address + f.size for f in own)]
    assert len(inside) >= 10
    assert all(seen.get(address) == byte for address, byte in inside)


def test_jump_targets_and_what_follows_a_jump_are_blocks(library: Path) -> None:
    _, code = mapped(library)
    shown = subprocess.run(
        [needed("objdump"), "-d", "-w", "--disassemble=parse", str(library)], capture_output=True, text=True, check=True
    ).stdout
    targets = {int(m[1], 16) for m in re.finditer(r"\sj[a-z]+\s+([0-9a-f]+) <parse", shown)}
    assert targets
    assert targets <= {address for address, _ in code.blocks}


def test_compared_constants_and_strings_are_words(library: Path) -> None:
    _, code = mapped(library)
    assert {b"\x0d\xf0\xfe\xca", b"\xca\xfe\xf0\x0d", b"Q", b"needle-in-a-haystack"} <= set(code.words)


def test_a_stripped_library_has_the_same_blocks(library: Path, tmp_path: Path) -> None:
    stripped = tmp_path / "libcode.so"
    subprocess.run([needed("strip"), "-o", str(stripped), str(library)], check=True)
    assert mapped(stripped)[1].blocks == mapped(library)[1].blocks


def test_an_address_is_named_by_its_function(library: Path) -> None:
    image, code = mapped(library)
    (parse,) = image.symbols.named("parse")
    found = code.function_at(parse.value + 3)
    assert found is not None
    assert found.name == "parse"
    assert code.function_at(0) is None


def test_without_capstone_coverage_counts_functions_and_says_so(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    image, code = mapped(library)
    assert code.level is Level.FUNCTIONS
    assert {s.value for s in image.symbols.named("parse")} <= {address for address, _ in code.blocks}


def test_a_machine_without_a_decoder_has_no_coverage(compile_library: Compile) -> None:
    content = bytearray(compile_library(SOURCE, "libcode.so", "-O1").read_bytes())
    content[18:20] = (183).to_bytes(2, "little")  # EM_AARCH64
    assert analyse(read(bytes(content)), bytes(content)).level is Level.NONE


@pytest.mark.parametrize("step", [3])
def test_damage_gives_fewer_blocks_and_never_an_exception(library: Path, step: int) -> None:
    content = library.read_bytes()
    image = read(content)
    header = next(s for s in image.segments if s.kind == "GNU_EH_FRAME")
    for at in range(header.offset, header.offset + header.file_size, step):
        damaged = bytearray(content)
        damaged[at] ^= 0xFF
        analyse(read(bytes(damaged)), bytes(damaged))
