"""A target for other fuzzers, and a mark for the test suites of others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile, needed

from loadstone.errors import Unreadable, Unwritable
from loadstone.fuzz import export_harness
from loadstone.fuzz.outcome.corpus import dictionary, inputs_in

SOURCE = r"""
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
typedef struct box { int fed; } box;
int box_open(box **out) { *out = calloc(1, sizeof **out); return *out == 0; }
int box_feed(box *b, const uint8_t *data, size_t size) { if (size && data[0] == '!') b->fed++;
    if (b->fed > 1) abort();
    return 0; }
void box_close(box *b) { free(b); }
int parse(const uint8_t *data, size_t size) { if (size > 2 && !memcmp(data, "BUG", 3)) abort(); return 0; }
int quick(const uint8_t *data, size_t size) { if (size) abort(); return 0; }
int fine(const uint8_t *data, size_t size) { return size && data[0] == 3; }
int pack(uint8_t *out, size_t *room, const char *text, int (*visit)(int), unsigned flags, double factor) {
    if (visit(1) == 0 && *room == 256 && factor == 0 && (flags & 255) == 'F' && text[0] == 'T') abort();
    out[255] = 1;
    return 0; }
"""
DRIVER = r"""
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int main(int count, char **names) {
    static uint8_t data[4096];
    FILE *file = fopen(names[1], "rb");
    return !file || LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof data, file));
}
"""
SEQUENCE = """
[[call]]
function = "int box_open(struct box **out)"
[[call]]
function = "int box_feed(struct box *b, const uint8_t *data, size_t size)"
repeat = true
[[call]]
function = "void box_close(struct box *b)"
"""
PARSE = "int {}(const uint8_t *data, size_t size)"
PACK = "int pack(uint8_t *out, size_t *room, const char *text, int (*visit)(int), unsigned flags, double factor)"
ABORTED = -6


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "libexported.so", "-O1", "-w", "-g")


def ran(folder: Path, library: Path, data: bytes) -> int:
    """How the harness, built with an ordinary compiler and under sanitizers, ends on one input."""
    (folder / "driver.c").write_text(DRIVER)
    needed("gcc -fsanitize=address")
    command = ["gcc", "-w", "-fsanitize=address,undefined", "-o", "driver", "driver.c", "harness.c", str(library)]
    subprocess.run([*command, f"-Wl,-rpath,{library.parent}"], cwd=folder, check=True)
    (folder / "input").write_bytes(data)
    wide = {**os.environ, "ASAN_OPTIONS": "handle_abort=0"}
    return subprocess.run(["./driver", "input"], cwd=folder, capture_output=True, check=False, env=wide).returncode


@pytest.mark.parametrize(
    ("prototype", "bad", "good"),
    [
        (PARSE.format("parse"), b"BUGS", b"BUT"),
        (PACK, b"TF" + b"\0" * 35, b"SF" + b"\0" * 35),
        ("", b"!abc!abc", b"?abc?abc"),
    ],
    ids=["buffer", "everything", "sequence"],
)
def test_the_harness_calls_as_the_campaign_does(
    prototype: str, bad: bytes, good: bytes, library: Path, tmp_path: Path
) -> None:
    sequence = tmp_path / "calls.toml"
    sequence.write_text(SEQUENCE)
    folder = tmp_path / "harness"
    paths = export_harness(
        library, prototype, folder=str(folder), sequence="" if prototype else str(sequence), seeds=[b"seed"]
    )
    assert {Path(path).name for path in paths} == {"harness.c", "build.sh", "dict.txt", "corpus"}
    assert ran(folder, library, good) == 0
    assert ran(folder, library, bad) == ABORTED
    assert b"seed" in inputs_in(folder)


def test_the_build_script_is_shell_that_names_its_ways(library: Path, tmp_path: Path) -> None:
    export_harness(library, PARSE.format("parse"), folder=str(tmp_path))
    subprocess.run(["sh", "-n", "build.sh"], cwd=tmp_path, check=True)
    wrong = subprocess.run(["./build.sh", "other"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr) == (2, "usage: ./build.sh [libfuzzer|afl]\n")


def test_a_folder_that_cannot_be_made_is_said_to_be_so(library: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unwritable):
        export_harness(library, PARSE.format("parse"), folder=str(tmp_path / "file"))


def test_words_are_written_as_other_fuzzers_read_them() -> None:
    assert dictionary([b'a"\\\n', b"\xff"]) == '"\\x61\\x22\\x5c\\x0a"\n"\\xff"\n'


def test_inputs_come_from_a_folder_of_files_or_of_another_fuzzer(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1")
    assert inputs_in(tmp_path) == (b"1",)
    for name in ("default/queue", "default/crashes"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "id:000000").write_bytes(name.encode())
    (tmp_path / "default/crashes/README.txt").write_text("how this was run")
    assert inputs_in(tmp_path) == (b"default/queue", b"default/crashes")
    with pytest.raises(Unreadable, match="not a folder"):
        inputs_in(tmp_path / "none")


MARKED = """
import pytest

@pytest.mark.loadstone_fuzz({library!r}, {broken!r}, time_s=60)
def test_broken():
    raise AssertionError("the body of a test whose search found something is not run")

@pytest.mark.loadstone_fuzz({library!r}, {fine!r}, time_s=60, runs=500)
def test_fine(loadstone_fuzz_report):
    assert loadstone_fuzz_report.progress.runs >= 500

def test_unmarked(loadstone_fuzz_report):
    pass
"""


@pytest.mark.slow
def test_the_mark_fails_a_test_whose_function_breaks(library: Path, tmp_path: Path) -> None:
    text = MARKED.format(library=str(library), broken=PARSE.format("quick"), fine=PARSE.format("fine"))
    (tmp_path / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "loadstone.fuzz.pytest_plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-q", "-rA", "--strict-markers", "test_it.py"], cwd=tmp_path, capture_output=True, text=True,
        check=False, env={**os.environ, "COLUMNS": "1000"},
    )  # fmt: skip
    assert re.search(r"FAILED.*test_broken.*an input breaks it", done.stdout), done.stdout
    assert "SIGABRT" in done.stdout
    assert "PASSED test_it.py::test_fine" in done.stdout
    assert re.search(r"ERROR.*test_unmarked.*no mark loadstone_fuzz", done.stdout)
