"""What a finding says: the function, the library's own words, its threads, memory that grows - and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.binary import read
from loadstone.core.fuzzing import FuzzReport
from loadstone.errors import InvalidPrototype
from loadstone.fuzz.campaign import fuzz
from loadstone.fuzz.plan import Role
from loadstone.fuzz.target import plan

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="campaigns run on Linux")

SOURCE = r"""
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef const unsigned char *B; typedef unsigned long N;
static void *work(void *x) { if (((B)x)[1] == 't') *(volatile int *)8 = 1; return 0; }
int threads(B d, N n) {
    if (n < 2 || d[0] != 'J') return 0;
    pthread_t t;
    if (pthread_create(&t, 0, work, (void *)d)) return 1; pthread_join(t, 0); return 0; }
__attribute__((noinline)) static void stops(const char *why) { fprintf(stderr, "library: %s\n", why); abort(); }
int gives_up(B d, N n) { if (n > 1 && d[0] == 'J' && d[1] == '!') stops("no such mark"); return 0; }
int behind(B d, N n) { return n ? d[0] : 0; }
int unit(const char *text, const char *unit) {
    if (!strcmp(unit, "em") && text[0] == 'J') *(volatile int *)8 = 1; return 0; }
int pair(B a, N an, B b, N bn) { return (int)(an + bn); }
int from_file(const char *path) { return !path; }
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
def test_a_fixed_text_stands_beside_the_input(library: Path) -> None:
    (found, *_) = searched(library, "int unit(const char *text, const char *unit)", unit="const:em").findings
    assert found.kind == "SIGSEGV"


@pytest.mark.parametrize(
    ("prototype", "word"),
    [
        ("int pair(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)", "a and b would get the same input"),
        ("int unit(const char *text, const char *unit)", "text and unit would get the same input"),
        ("int from_file(const char *path)", "the name of a file"),
        ("int from_file(const char *in_filename)", "the name of a file"),
    ],
)
def test_what_would_be_misfed_is_refused(library: Path, prototype: str, word: str) -> None:
    with pytest.raises(InvalidPrototype, match=word):
        plan(prototype, {}, read(library))


def test_the_same_input_twice_can_be_asked_for(library: Path) -> None:
    call = plan(
        "int pair(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)",
        {"a": "buffer", "b": "buffer"},
        read(library),
    )
    assert [a.role for a in call.arguments[::2]] == [Role.BUFFER, Role.BUFFER]
