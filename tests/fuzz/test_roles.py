"""What a role means: the fuzzed child, ``repro.py`` and the exported harness do the same with the same inputs."""

from __future__ import annotations

import ast
import hashlib
import inspect
import os
import subprocess
import sys
import typing
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from tests.conftest import Compile, needed
from tests.library.children import run_child

from loadstone.core.fuzzing import FuzzFinding
from loadstone.errors import Unsupported
from loadstone.fuzz.child import calls as child_calls
from loadstone.fuzz.child import deliver
from loadstone.fuzz.meaning import MEANINGS, PassedValue
from loadstone.fuzz.outcome import export as exporter
from loadstone.fuzz.outcome import reproducer
from loadstone.fuzz.outcome.export import export, harness
from loadstone.fuzz.outcome.reproducer import script
from loadstone.fuzz.parts import SEPARATOR
from loadstone.fuzz.plan import TAKING, Argument, CallPlan, Campaign, Job, Role

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="campaigns run on Linux")

LIBRARY = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int stores;
static void say(const char *what, const uint8_t *data, size_t size) {
    FILE *file = fopen(getenv("LOADSTONE_TRACE"), "a");
    fprintf(file, "%s:", what);
    for (size_t i = 0; i < size; i++) fprintf(file, " %02x", data[i]);
    fprintf(file, "\n");
    fclose(file);
}
#define SAY(what, value) say(what, (const uint8_t *)&(value), sizeof(value))
static void used(uint8_t *out, size_t size, uint32_t *room) {
    say("out", out, size); SAY("room", *room);
    for (size_t i = 0; i < size; i++) out[i] = 0xee;
    *room = 1;
}
int first(const uint8_t *data, size_t size, int32_t number, uint8_t *out, uint32_t *room, uint64_t *other,
          uint64_t *more) {
    say("first", data, size); SAY("number", number); used(out, 8, room); SAY("other", *other); SAY("more", *more);
    *other = *more = 7;
    stores = !size || data[0] != 'n';
    return 0; }
int second(void *handle, const uint8_t *data, size_t size, uint8_t *out, uint32_t *room, uint16_t number) {
    SAY("second", handle); say("piece", data, size); SAY("number", number); used(out, 4, room);
    return 0; }
int third(void **into) { SAY("third", *into); if (stores) *into = (void *)0x1234; return 0; }
void import(void *handle, int32_t fixed, int (*back)(void)) {
    int said = back(); SAY("import", handle); SAY("fixed", fixed); SAY("back", said); }
int several(const uint8_t *a, size_t an, const char *b, uint32_t mode, const void *record) {
    say("a", a, an); say("b", (const uint8_t *)b, strlen(b) + 1); SAY("mode", mode); say("record", record, 12);
    return 0; }
int files(FILE *stream, int file, const char *path) {
    uint8_t data[64]; size_t size = fread(data, 1, sizeof data, stream);
    say("stream", data, size); fclose(stream);
    say("file", data, read(file, data, sizeof data));
    stream = fopen(path, "rb"); size = fread(data, 1, sizeof data, stream); say("path", data, size); fclose(stream);
    say("end", (const uint8_t *)path + strlen(path) - 4, 4);
    return 0; }
int text(const char *given, size_t size) { say("text", (const uint8_t *)given, size); return 0; }
"""

CALLS = (
    CallPlan(
        "first",
        0,
        (
            Argument(Role.BUFFER),
            Argument(Role.LENGTH_OF, of=0),
            Argument(Role.INTEGER, size=4, signed=True),
            Argument(Role.OUT, size=8),
            Argument(Role.CAPACITY_OF, size=4, of=3),
            Argument(Role.CAPACITY_OF, of=3),
            Argument(Role.CAPACITY_OF, of=3),
        ),
        into="zero",
    ),
    CallPlan(
        "second",
        0,
        (
            Argument(Role.HANDLE, slot="zero"),
            Argument(Role.BUFFER),
            Argument(Role.LENGTH_OF, of=1),
            Argument(Role.OUT, size=4),
            Argument(Role.CAPACITY_OF, size=4, of=3),
            Argument(Role.INTEGER, size=2),
        ),
        repeat=True,
    ),
    CallPlan("third", 0, (Argument(Role.INTO, slot="box"),)),
    CallPlan(
        "import",
        0,
        (
            Argument(Role.HANDLE, slot="box"),
            Argument(Role.CONST, size=4, signed=True, value=-5),
            Argument(Role.CALLBACK),
        ),
        returns="void",
    ),
)
TEXT = (CallPlan("text", 0, (Argument(Role.CSTRING), Argument(Role.LENGTH_OF, of=0))),)
PARTS = (
    CallPlan(
        "several",
        0,
        (
            Argument(Role.BUFFER),
            Argument(Role.LENGTH_OF, of=0),
            Argument(Role.CSTRING),
            Argument(Role.ONE_OF, size=4, values=(5, 70, 900)),
            Argument(Role.RECORD, size=12),
        ),
    ),
    CallPlan(
        "files",
        0,
        (Argument(Role.FILE), Argument(Role.DESCRIPTOR, size=4, signed=True), Argument(Role.PATH, slot=".png")),
    ),
)
SHARED = tuple(replace(call, shares=True) for call in (*CALLS[:1], PARTS[0], *CALLS[1:2]))
PARTED = (
    b"", b"one" + SEPARATOR + b"two", SEPARATOR * 3, b"a" + SEPARATOR + b"b\0c\0" + SEPARATOR + bytes(range(1, 30)),
    b"abcdefghij", b"\0||" + SEPARATOR + b"||\0", SEPARATOR.join(bytes((c,)) * 3 for c in range(65, 90)),
)  # fmt: skip
INPUTS = (b"", b"A", b"n12", b"\3abcdefgh", b"\xff" * 20, bytes(range(40)), b"n", b"yes")
TEXTS = (b"", b"abc", b"ab\0c", b"abc\0", b"\0", b"\0\0")

CHILD = """
import ctypes, json, os, sys, tempfile
place = tempfile.TemporaryDirectory()  # removed when this process ends
os.chdir(place.name)
from loadstone.fuzz.child.blocks import BlockTable
from loadstone.fuzz.child.calls import BoundCall, run_sequence
from loadstone.fuzz.parts import as_text
from loadstone.fuzz.plan import Job
library, job = sys.argv[1], Job.from_json(sys.argv[2])
class Place:
    def place(self, data, at_start):
        self.kept = ctypes.create_string_buffer(data, max(1, len(data)))
        return ctypes.addressof(self.kept)
loaded = ctypes.CDLL(library)
sequence = [BoundCall(call, loaded, BlockTable(), 4096) for call in job.calls]
for data in job.inputs:
    run_sequence(sequence, Place(), as_text(data) if sys.argv[3] == "text" else data, at_start=False)
"""
DRIVER = """
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int main(int count, char **names) {
    static uint8_t data[4096];
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(names[i], "rb");
        LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof data, file));
        fclose(file);
    }
    return 0;
}
"""


def finding(inputs: tuple[bytes, ...] = (b"",)) -> FuzzFinding:
    return FuzzFinding(kind="SIGSEGV", stack_hash="0", frames=(), inputs=inputs, detail='"""')


def digest(library: Path) -> str:
    return hashlib.sha256(library.read_bytes()).hexdigest()


def campaign(library: str, calls: tuple[CallPlan, ...], prototype: str = "") -> Campaign:
    return Campaign(library=library, prototype=prototype, calls=calls)


@pytest.mark.parametrize(
    ("calls", "inputs", "mode"),
    [
        (CALLS, (*INPUTS, *PARTED), "bytes"),
        (TEXT, TEXTS, "text"),
        (PARTS, PARTED, "bytes"),
        (SHARED, (*INPUTS, *PARTED), "bytes"),
    ],
    ids=["all", "text", "parts", "shared"],
)
def test_all_three_call_with_the_same(
    calls: tuple[CallPlan, ...], inputs: tuple[bytes, ...], mode: str, compile_library: Compile, tmp_path: Path
) -> None:
    library = compile_library(LIBRARY, "libroles.so", "-w")
    traces = {name: tmp_path / name for name in ("child", "program", "harness")}

    job = Job(library=str(library), calls=calls, inputs=inputs).to_json()
    run_child(CHILD, library, job, mode, LOADSTONE_TRACE=str(traces["child"]))

    program = tmp_path / "repro.py"
    placed = tuple(i.removesuffix(b"\0").replace(b"\0", b"\1") + b"\0" for i in inputs) if mode == "text" else inputs
    program.write_text(script(finding(placed), campaign(str(library), calls), digest(library)))
    subprocess.run([sys.executable, program], env={**os.environ, "LOADSTONE_TRACE": str(traces["program"])}, check=True)

    (tmp_path / "harness.c").write_text(harness("roles", calls))
    (tmp_path / "driver.c").write_text(DRIVER)
    command = [
        needed("gcc"),
        "-w",
        "-o",
        "driver",
        "driver.c",
        "harness.c",
        str(library),
        f"-Wl,-rpath,{library.parent}",
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    for number, data in enumerate(inputs):
        (tmp_path / f"input{number}").write_bytes(data)
    names = [f"input{number}" for number in range(len(inputs))]
    wide = {**os.environ, "LOADSTONE_TRACE": str(traces["harness"])}
    subprocess.run(["./driver", *names], cwd=tmp_path, env=wide, check=True)

    said = {name: path.read_text() for name, path in traces.items()}
    assert said["program"] == said["child"]
    assert said["harness"] == said["child"]


def test_every_role_and_every_value_has_a_row_in_each_table() -> None:
    assert set(MEANINGS) == set(Role)
    values = set(typing.get_args(PassedValue))
    assert set(child_calls._MAKERS) == set(reproducer._EXPRESSIONS) == set(exporter._EXPRESSIONS) == values
    assert set(deliver._DELIVERIES) == set(exporter._DELIVERIES) == set(TAKING)


@pytest.mark.parametrize("renderer", [child_calls, reproducer, exporter], ids=lambda module: module.__name__)
def test_no_renderer_decides_what_a_role_means(renderer: ModuleType) -> None:
    asked = {node.attr for node in ast.walk(ast.parse(inspect.getsource(renderer))) if isinstance(node, ast.Attribute)}
    assert not asked & ({role.name for role in Role} - {role.name for role in TAKING})


HOSTILE = (
    'a"""\nraise SystemExit(9)\n"""',
    "it's",
    "*/ int main;",
    "back\\slash",
    "caf\u00e9 \u202e",
    os.fsdecode(b"\xff\xfe"),
    "{x}",
)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_what_a_folder_is_called_is_data(name: str, compile_library: Compile, tmp_path: Path) -> None:
    folder = tmp_path / name.replace("/", "|")
    folder.mkdir()
    library = folder / "libroles.so"
    library.write_bytes(compile_library(LIBRARY, "libroles.so", "-w").read_bytes())
    text = script(finding(), campaign(str(library), TEXT, prototype=name), digest(library))
    values = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            values[ast.unparse(node.targets[0])] = node.value.value
    assert text.isascii()
    assert values["LIBRARY"] == str(library)
    program = folder / "repro.py"
    program.write_text(text)
    done = subprocess.run(
        [sys.executable, program],
        capture_output=True,
        check=False,
        env={**os.environ, "LOADSTONE_TRACE": str(tmp_path / "t")},
    )
    assert (done.returncode, done.stdout) == (0, b"nothing happened\n"), done.stderr

    export(str(folder / "out"), str(library), name, TEXT, inputs=(), words=())
    built = subprocess.run(
        [needed("gcc"), "-w", "-fsyntax-only", "harness.c"], cwd=folder / "out", capture_output=True, check=False
    )
    assert built.returncode == 0, built.stderr
    shown = subprocess.run(["sh", "-c", ". ./build.sh; :", "x"], cwd=folder / "out", capture_output=True, check=False)
    assert b"SystemExit" not in shown.stderr


@pytest.mark.parametrize("symbol", ["import", "main", "malloc", "nothing", "LLVMFuzzerTestOneInput", "library_main"])
def test_what_a_function_is_called_is_data(symbol: str, tmp_path: Path) -> None:
    calls = (CallPlan(symbol, 0, (Argument(Role.BUFFER),)),)
    (tmp_path / "harness.c").write_text(harness("any", calls))
    subprocess.run([needed("gcc"), "-w", "-c", "harness.c", "-o", "harness.o"], cwd=tmp_path, check=True)
    library = tmp_path / "l"
    library.write_bytes(b"")
    ast.parse(script(finding(), campaign(str(library), calls), digest(library)))


CONSTANTS = (*HOSTILE, "%s%n", "/*", "??/", "\r\n#error x\n", "\u2028", "\x01" + "7", "A\x7f9", "\\u0041", '\\"')


def test_what_a_constant_says_is_data(tmp_path: Path) -> None:
    """All of them in one harness, and each in a reproducer as the bytes it was given as."""
    calls = tuple(
        CallPlan(f"f{number}", 0, (Argument(Role.CONST, text=text), Argument(Role.BUFFER)))
        for number, text in enumerate(CONSTANTS)
    )
    (tmp_path / "harness.c").write_text(harness("any", calls))
    subprocess.run([needed("gcc"), "-w", "-fsyntax-only", "harness.c"], cwd=tmp_path, check=True)
    library = tmp_path / "l"
    library.write_bytes(b"")
    for call, text in zip(calls, CONSTANTS, strict=True):
        program = ast.parse(script(finding(), campaign(str(library), (call,)), digest(library)))
        assert text.encode("utf-8", "surrogateescape") in [
            node.value for node in ast.walk(program) if isinstance(node, ast.Constant)
        ]


@pytest.mark.parametrize("symbol", ["a\n.globl b", 'quo"te', "x@@V1", "caf\u00e9", ""])
def test_no_harness_is_written_for_what_is_no_c_name(symbol: str) -> None:
    with pytest.raises(Unsupported):
        harness("any", (CallPlan(symbol, 0, ()),))


SWAPPED = """
import os, runpy, sys
program, other, library = sys.argv[1:]
really = os.fork
def fork():
    os.replace(other, library)  # behind the digest, before the load
    return really()
os.fork = fork
runpy.run_path(program, run_name="__main__")
"""


def test_a_reproducer_calls_the_file_it_hashed_or_none(compile_library: Compile, tmp_path: Path) -> None:
    built = compile_library(
        "#include <stdlib.h>\nint text(const char *t, unsigned long n) { abort(); }", "libone.so", "-w"
    )
    for name in ("one.so", "other.so"):
        (tmp_path / name).write_bytes(built.read_bytes())
    library, program = tmp_path / "one.so", tmp_path / "repro.py"
    program.write_text(script(finding(), campaign(str(library), TEXT), digest(library)))
    assert subprocess.run([sys.executable, program], capture_output=True, check=False).returncode == 1
    swapped = [sys.executable, "-c", SWAPPED, str(program), str(tmp_path / "other.so"), str(library)]
    done = subprocess.run(swapped, capture_output=True, check=False, text=True)
    assert (done.returncode, done.stdout) == (2, "another file took the library's place meanwhile\n"), done.stderr


def test_a_reproducer_of_a_library_that_was_built_again_says_so(compile_library: Compile, tmp_path: Path) -> None:
    library, program = tmp_path / "one.so", tmp_path / "repro.py"
    library.write_bytes(compile_library(LIBRARY, "libroles.so", "-w").read_bytes())
    studied = digest(library)
    library.write_bytes(library.read_bytes() + b"built again")
    program.write_text(script(finding(), campaign(str(library), TEXT), studied))
    done = subprocess.run([sys.executable, program], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"this is not the library the finding is about\n")
