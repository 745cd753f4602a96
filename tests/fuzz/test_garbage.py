"""Memory that is read before it is written and reaches no result: it decides what runs, or whether it crashes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.core.fuzzing import FuzzReport
from loadstone.fuzz import fuzz

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="campaigns run on Linux")

SOURCE = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
typedef struct { int (*run)(int); int by; } operation;
volatile int sink;
static int one(int x) { return x + 1; }
int flag(const uint8_t *d, size_t n) {
    if (n < 2 || d[0] != 'H') return 0;
    int *flags = malloc(4 * sizeof *flags);
    if (d[1] != 'p') flags[2] = 1;
    if (flags[2]) sink++; else sink += 2;
    free(flags);
    return 0; }
__attribute__((noinline)) static void set(int *out, const uint8_t *d) { if (d[1] != 'p') *out = 1; }
int local(const uint8_t *d, size_t n) {
    char room[600]; int given;
    if (n < 2 || d[0] != 'H') return 0;
    ((volatile char *)room)[1] = 0;
    set(&given, d);
    if (given) sink++;
    return 0; }
int called(const uint8_t *d, size_t n) {
    if (n < 2 || d[0] != 'H') return 0;
    operation *o = malloc(sizeof *o);
    o->by = 1;
    if (d[1] != 'p') o->run = one;
    int result = o->run(o->by);
    free(o);
    return result; }
int written(const uint8_t *d, size_t n) {
    if (n < 2 || d[0] != 'H') return 0;
    int *flags = calloc(4, sizeof *flags);
    if (d[1] != 'p') flags[2] = 1;
    if (flags[2]) sink++; else sink += 2;
    free(flags);
    return 0; }
int dice(const uint8_t *d, size_t n) {
    unsigned char drawn = 0;
    FILE *file = fopen("/dev/urandom", "rb");
    if (file) { drawn = fgetc(file); fclose(file); }
    if (drawn & 1) sink++;
    return 0; }
"""


@pytest.fixture(scope="module")
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "libgarbage.so", "-O1", "-w")


def searched(library: Path, name: str, time_s: float) -> FuzzReport:
    return fuzz(str(library), f"int {name}(const uint8_t *d, size_t n)", time_s=time_s, first=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("flag", "which code runs depends on uninitialised memory"),
        ("local", "which code runs depends on uninitialised memory"),
        ("called", "it crashes or not by what fresh memory holds"),
    ],
)
def test_garbage_that_decides_is_found_and_placed(name: str, detail: str, library: Path) -> None:
    (found, *_) = searched(library, name, 60).findings
    assert (found.kind, found.detail, found.repeated) == ("use-of-uninitialized-value", detail, 3)
    assert found.frames[0].function == name
    assert found.inputs[-1].startswith(b"Hp")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["written", "dice"])
def test_memory_that_was_written_and_chance_are_no_garbage(name: str, library: Path) -> None:
    report = searched(library, name, 5)
    assert (report.findings, report.flaky) == ((), ())
