"""What a finding says: the function, the library's own words, its threads, memory that grows - and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.binary import read
from loadstone.core.fuzzing import FuzzReport
from loadstone.errors import InvalidPrototype
from loadstone.fuzz.campaign import fuzz
from loadstone.fuzz.parts import SEPARATOR, cut
from loadstone.fuzz.target import plan

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="campaigns run on Linux")

SOURCE = r"""
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
typedef const unsigned char *B; typedef unsigned long N;
static void *work(void *x) { if (((B)x)[1] == 't') *(volatile int *)8 = 1; return 0; }
int threads(B d, N n) {
    if (n < 2 || d[0] != 'J') return 0;
    pthread_t t;
    if (pthread_create(&t, 0, work, (void *)d)) return 1; pthread_join(t, 0); return 0; }
__attribute__((noinline)) static void stops(const char *why) { fprintf(stderr, "library: %s\n", why); abort(); }
int gives_up(B d, N n) { if (n > 1 && d[0] == 'J' && d[1] == '!') stops("no such mark"); return 0; }
volatile int sum;
int past(B d, N n) {
    sum += d[n]; if (n > 3 && d[0] == 'J' && d[1] == 'K' && d[2] == 'L') *(volatile int *)8 = 1; return 0; }
int behind(B d, N n) { return n ? d[0] : 0; }
int unit(const char *text, const char *unit) {
    if (!strcmp(unit, "em") && text[0] == 'J') *(volatile int *)8 = 1; return 0; }
int pair(B a, N an, B b, N bn) { return (int)(an + bn); }
int differ(B a, N an, B b, N bn) {
    if (an > 1 && bn > 1 && a[0] == 'J' && b[0] == 'J' && a[1] != b[1]) *(volatile int *)0 = 1; return 0; }
int three(const char *a, const char *b, const char *c) {
    if (!strcmp(a, "one") && b[0] == 'B' && !strcmp(c, "zz")) *(volatile int *)0 = 1; return 0; }
static int marked(const char *b, long n) { if (n > 1 && b[0] == 'J' && b[1] == '!') *(volatile int *)0 = 1; return n; }
int from_stream(FILE *f) { char b[16]; int n = marked(b, fread(b, 1, 16, f)); if (n > 4) fclose(f); return n; }
int from_file(const char *path) { FILE *f = fopen(path, "rb"); if (!f) return -1; char b[16];
    int n = marked(b, fread(b, 1, 16, f)); fclose(f); return n; }
int from_descriptor(int fd) { char b[16]; return marked(b, read(fd, b, 16)); }
struct point { int x; char tail[4]; };
int record(const struct point *p) { if (p->x == 77777 && p->tail[3] == 'z') *(volatile int *)0 = 1; return p->x; }
int chosen(int mode, B d, N n) { if (mode != 7 && mode != 900) *(volatile int *)8 = 1;
    if (mode == 900 && n > 1 && d[0] == 'J' && d[1] == '!') *(volatile int *)0 = 1; return 0; }
"""
ONE = "int {}(const uint8_t *d, size_t n)"


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "libkinds.so", "-O1", "-w", "-pthread")


def searched(library: Path, prototype: str, **roles: str) -> FuzzReport:
    return fuzz(library, prototype, roles=roles, time_s=20, first=True)


@pytest.mark.slow
def test_a_crash_in_a_thread_of_the_library_is_found(library: Path) -> None:
    (found, *_) = searched(library, ONE.format("threads")).findings
    assert (found.kind, found.frames[0].function) == ("SIGSEGV", "work")


@pytest.mark.slow
def test_the_function_that_does_not_return_is_named_with_its_words(library: Path) -> None:
    (found, *_) = searched(library, ONE.format("gives_up")).findings
    assert [frame.function for frame in found.frames[:2]] == ["stops", "gives_up"]
    assert found.words == "library: no such mark"


@pytest.mark.slow
@pytest.mark.slow
def test_a_read_past_every_input_hides_nothing_behind_it(library: Path, tmp_path: Path) -> None:
    report = fuzz(library, "int past(const unsigned char *d, unsigned long n)", time_s=20, out=str(tmp_path))
    found = {(one.kind, one.guard, bool(one.slack)): one for one in report.findings}
    assert set(found) == {("heap-buffer-overflow", "over", False), ("SIGSEGV", "", True)}
    behind = found["SIGSEGV", "", True]
    assert behind.inputs[-1][:3] == b"JKL"
    again = subprocess.run([sys.executable, f"{behind.folder}/repro.py"], capture_output=True, text=True, check=False)
    assert again.stdout == "ended by SIGSEGV\n"


def test_a_fixed_text_stands_beside_the_input(library: Path) -> None:
    (found, *_) = searched(library, "int unit(const char *text, const char *unit)", unit="const:em").findings
    assert found.kind == "SIGSEGV"


@pytest.mark.slow
@pytest.mark.parametrize(
    "prototype",
    [
        "int differ(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)",
        "int three(const char *first, const char *second, const char *third)",
        "int from_file(const char *path)",
        "int from_stream(FILE *f)",
        "int from_descriptor(int fd)",
        "struct point { int x; char tail[4]; }; int record(const struct point *p)",
        "enum mode { FAST = 7, SLOW = 900 }; int chosen(enum mode mode, const uint8_t *d, size_t n)",
    ],
)
def test_each_parameter_gets_its_part_in_its_own_way(library: Path, prototype: str) -> None:
    (found, *_) = searched(library, prototype).findings
    assert (found.kind, found.fault_address, found.repeated) == ("SIGSEGV", 0, 3)


@pytest.mark.parametrize(
    ("prototype", "word", "advice"),
    [
        ("int unit(const char *directory, const char *unit)", "the name of a folder", "--role"),
        ("struct s { int *p; }; int record(struct s *p)", "has pointers", "--role"),
        ("int record(struct s *p)", "a handle that another function gives", "--sequence"),
        ("int record(char *p)", "no role by its type", "--role"),
    ],
)
def test_what_would_be_misfed_is_refused(library: Path, prototype: str, word: str, advice: str) -> None:
    with pytest.raises(InvalidPrototype, match=word) as refused:
        plan(prototype, {}, read(library))
    assert advice in refused.value.advice


def test_the_parts_of_one_input() -> None:
    assert cut(b"a" + SEPARATOR + b"b" + SEPARATOR + b"c", 2) == [b"a", b"b" + SEPARATOR + b"c"]
    assert cut(b"abcdefgh", 3) == [b"abcd", b"ef", b"gh"]
    assert cut(b"", 4) == [b""] * 4
    assert cut(b"x" + SEPARATOR, 2) == [b"x", b""]
