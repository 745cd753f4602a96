"""Several calls in order, from a TOML file; and prototypes from debug information."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from tests.conftest import Compile, needed
from tests.scale import SCALE

from loadstone.binary import read
from loadstone.errors import InvalidConfiguration, InvalidPrototype, SymbolNotFound, Unreadable
from loadstone.fuzz import fuzz
from loadstone.fuzz.code.dwarf import declared
from loadstone.fuzz.plan import Argument, Role
from loadstone.fuzz.sequence import read_sequence

SOURCE = r"""
#include <stdint.h>
#include <stdlib.h>
typedef struct box { int fed; } box;
enum mode { FAST = 1 };
typedef int (*visitor)(const box *, int);
int box_open(box **out) { *out = calloc(1, sizeof **out); return *out == 0; }
box *box_new(enum mode mode) { return mode == FAST ? calloc(1, sizeof(box)) : 0; }
int box_feed(box *b, const uint8_t *data, size_t size) {
    if (size && data[0] == '!') b->fed++;
    if (b->fed > 1) *(volatile int *)24 = 1;
    return 0;
}
void box_close(box *b) { free(b); }
double every(float f, double d, _Bool b, signed char c, const char *text, visitor v, long long n, void *p,
             char **rest) {
    return f + d + b + c + n + !text + !v + !p + !rest;
}
int many(const char *format, ...) { return !format; }
long double wide(long double x) { return x; }
int stored(void **out) { *out = malloc(1); return 0; }
int used(void *handle, const char *text) { return *(char *)handle + text[0]; }
"""
BOX = """
declarations = "typedef struct box box;"
[[call]]
function = "int box_open(box **out)"
[[call]]
function = "int box_feed(box *b, const uint8_t *data, size_t size)"
repeat = true
[[call]]
function = "void box_close(box *b)"
"""


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "libbox.so", "-O1", "-w", "-g")


def written(tmp_path: Path, text: str) -> str:
    file = tmp_path / "calls.toml"
    file.write_text(text)
    return str(file)


def test_handles_are_known_by_their_types(library: Path, tmp_path: Path) -> None:
    opened, fed, closed = read_sequence(written(tmp_path, BOX), read(library))
    assert opened.arguments == (Argument(Role.INTO, slot="box"),)
    assert fed.arguments[0] == closed.arguments[0] == Argument(Role.HANDLE, slot="box")
    assert (opened.repeat, fed.repeat, closed.repeat) == (False, True, False)


def test_a_handle_may_be_what_a_call_returns_and_have_a_name_of_its_own(library: Path, tmp_path: Path) -> None:
    text = BOX.replace("int box_open(box **out)", 'box *box_new(unsigned mode)"\nroles = { mode = "const:1" }#')
    made, fed, _ = read_sequence(written(tmp_path, text), read(library))
    assert (made.into, made.returns, fed.arguments[0].slot) == ("box", "pointer", "box")
    text = """
[[call]]
function = "int stored(void **out)"
roles = { out = "into:thing" }
[[call]]
function = "int used(void *handle, const char *text)"
roles = { handle = "handle:thing" }
"""
    stored, used = read_sequence(written(tmp_path, text), read(library))
    assert stored.arguments[0] == Argument(Role.INTO, slot="thing")
    assert used.arguments[0] == Argument(Role.HANDLE, slot="thing")


def test_a_sequence_is_fuzzed_and_its_finding_shown_by_its_program(library: Path, tmp_path: Path) -> None:
    report = fuzz(str(library), sequence=written(tmp_path, BOX), time_s=60, first=True, out=str(tmp_path / "out"))
    assert report.prototype == "box_open() -> box_feed() again and again -> box_close()"
    (found,) = report.findings
    assert found.frames[0].function == "box_feed"
    shown = subprocess.run([sys.executable, f"{found.folder}/repro.py"], capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stdout) == (1, "ended by SIGSEGV\n")


STREAM = r"""
#include <stdint.h>
#include <string.h>
static int begun, key;
void begin(void) { begun = 0; }
void feed(const uint8_t *data, size_t size) {
    if (size < 5 || memcmp(data, begun ? "RDH2" : "RDH1", 4)) return;
    if (begun++ && data[4] == size) *(volatile int *)24 = 1;
}
void set_key(const uint8_t *data, size_t size) { key = size > 1 && data[0] == 'K' && data[1] == size; }
void decrypt(const uint8_t *data, size_t size) { if (key && size > 1 && data[0] == 'D') *(volatile int *)24 = 1; }
"""
FED = """
[[call]]
function = "void begin(void)"
[[call]]
function = "void feed(const uint8_t *data, size_t size)"
repeat = true
"""
KEYED = """
[[call]]
function = "void set_key(const uint8_t *data, size_t size)"
[[call]]
function = "void decrypt(const uint8_t *data, size_t size)"
"""


@pytest.mark.slow
@pytest.mark.parametrize(("text", "function"), [(FED, "feed"), (KEYED, "decrypt")], ids=["pieces", "shares"])
def test_each_piece_and_each_call_has_bytes_of_its_own(
    text: str, function: str, compile_library: Compile, tmp_path: Path
) -> None:
    stream = compile_library(STREAM, "libstream.so", "-O1", "-w")
    report = fuzz(str(stream), sequence=written(tmp_path, text), time_s=60, first=True)
    assert [found.frames[0].function for found in report.findings] == [function]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("call = 3", "Expected `array`"),
        ("[[call]]", "missing required field `function`"),
        ("[[call]\n", "at line 1"),
        ('[[call]]\nfunction = "int box_open(void)"\ncolour = 1', "unknown field `colour`"),
        ('[[call]]\nfunction = "int box_open(void)"', "no call takes the input"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(text: str, said: str, library: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=said):
        read_sequence(written(tmp_path, text), read(library))


def test_a_missing_file_or_function_is_said_to_be_so(library: Path, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        read_sequence(str(tmp_path / "none.toml"), read(library))
    with pytest.raises(SymbolNotFound):
        read_sequence(written(tmp_path, '[[call]]\nfunction = "int nobody(const char *s)"'), read(library))


def test_a_name_is_enough_where_debug_information_declares_it(library: Path) -> None:
    path = str(library)
    assert declared("int f(const char *text)", path) == "int f(const char *text)"
    assert declared("box_feed", path) == "int32_t box_feed(struct box * b, uint8_t const * data, uint64_t size)"
    assert declared("box_new", path) == "struct box * box_new(uint32_t mode)"
    assert declared("every", path) == (
        "double every(float f, double d, _Bool b, int8_t c, char const * text, void (*v)(void), int64_t n, void * p, "
        "char * * rest)"
    )
    assert declared("many", path) == "int32_t many(char const * format, ...)"


def test_without_debug_information_the_prototype_is_asked_for(library: Path, compile_library: Compile) -> None:
    bare = str(compile_library("int f(int x) { return x; }", "libbare.so"))
    with pytest.raises(InvalidPrototype, match="no debug information declares it") as refused:
        declared("f", bare)
    assert "prototype" in refused.value.advice
    with pytest.raises(InvalidPrototype, match="'long double' of 16 bytes"):
        declared("wide", str(library))


def test_the_debug_twin_is_read_where_the_library_is_stripped(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_id = read(library).build_id
    assert build_id
    twin = tmp_path / build_id[:2] / f"{build_id[2:]}.debug"
    twin.parent.mkdir()
    stripped = tmp_path / "libstripped.so"
    subprocess.run([needed("objcopy"), "--only-keep-debug", library, twin], check=True)
    subprocess.run([needed("strip"), "-o", stripped, library], check=True)
    monkeypatch.setattr("loadstone.binary.elf.link_symbols._TWINS", str(tmp_path))
    assert declared("box_close", str(stripped)) == "void box_close(struct box * b)"


@pytest.mark.slow
def test_damaged_debug_information_is_an_answer_or_a_clear_error(library: Path, tmp_path: Path) -> None:
    content = library.read_bytes()
    broken = tmp_path / "libbroken.so"
    step = max(1, len(content) // (100 * SCALE))
    for at in range(64, len(content), step):
        broken.write_bytes(content[:at] + bytes((content[at] ^ 0xFF,)) + content[at + 1 :])
        with suppress(InvalidPrototype):
            assert "box_feed(" in declared("box_feed", str(broken))
