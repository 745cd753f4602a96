"""Over-reads and overflows of arrays on the stack and of global objects; threads at every call."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Compile
from tests.tools import needed

from loadstone.binary import read
from loadstone.binary.elf.link_symbols import read_link_symbols
from loadstone.core.fuzzing import Stopped
from loadstone.core.symbols import SymbolKind
from loadstone.fuzz.campaign import fuzz
from loadstone.fuzz.child.call_stack import CallStack
from loadstone.fuzz.code.gaps import global_gaps
from loadstone.fuzz.worker.confinement import tracing_refused

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="campaigns run on Linux")

SOURCE = r"""
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
typedef const unsigned char *B; typedef unsigned long N;
#define IF(x) if (n < 4 || d[0] != 'M' || d[1] != 'w') return 0; x
const unsigned char weights[11] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static char last[21]; static jmp_buf back;
int reads_stack(B d, N n) { IF(int t[6]; for (int i = 0; i < 6; i++) t[i] = i * (int)n; return t[d[2] & 31];) }
int writes_stack(B d, N n) { IF(volatile char b[10] = {0}; for (N i = 2; i < n; i++) b[i - 2] = d[i]; return b[4];) }
int overwrites_return(B d, N n) { IF(volatile char b[8] = {0}; for (N i = 0; i < 40 && d[2] == '!'; i++) b[i] = 'A';
    return b[4];) }
int overwrites_byte(B d, N n) {
    IF(if (d[2] == '!') ((volatile char *)__builtin_frame_address(0))[8] ^= 0x40; return 4;) }
int reads_global(B d, N n) { IF(return weights[d[2] % 13];) }
int writes_global(B d, N n) { IF(for (N i = 2; i < n && i < 25; i++) last[i - 2] = (char)d[i]; return last[1];) }
int correct(B d, N n) {
    char b[32]; if (setjmp(back)) return 9; memset(b, 0, 32); memcpy(b, d, n < 32 ? n : 32); memcpy(last, b, 21);
    if (n > 1 && d[0] == 'M') longjmp(back, 1); return b[n & 31] + weights[n % 11] + last[n % 21]; }
int correct_with_many(B d, N n, int a, int b, int c, int e, int f, double g) {
    return n ? d[0] + a + b + c + e + f + (int)(g / 2) : 1; }
static void *nothing(void *x) { return x; }
int starts_thread(B d, N n) { pthread_t t; if (!n || pthread_create(&t, 0, nothing, (void *)d)) return 1;
    pthread_join(t, 0); return 0; }
"""
ONE = "int {}(const uint8_t *d, size_t n)"


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "liboverflows.so", "-O1", "-w", "-fno-builtin", "-fno-stack-protector", "-pthread")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        ("reads_stack", "stack-buffer-overflow", "past the frames of the call"),
        ("writes_stack", "stack-buffer-overflow", "past the frames of the call|a return address was overwritten"),
        ("overwrites_return", "stack-buffer-overflow", "past the frames of the call|a return address was overwritten"),
        ("overwrites_byte", "stack-buffer-overflow", "a return address was overwritten"),
        ("reads_global", "global-buffer-overflow", "its result depends on bytes behind a global object"),
        ("writes_global", "global-buffer-overflow", "past last"),
    ],
)
def test_an_overflow_is_found_and_named(function: str, kind: str, words: str, library: Path) -> None:
    (found, *_) = fuzz(library, ONE.format(function), time_s=30, first=True).findings
    assert (found.kind, found.repeated) == (kind, 3)
    assert re.search(words, found.detail)


@pytest.mark.slow
def test_correct_functions_have_no_overflow(library: Path) -> None:
    many = "int correct_with_many(const uint8_t *d, size_t n, int a, int b, int c, int e, int f, double g)"
    for prototype in (ONE.format("correct"), many):
        report = fuzz(library, prototype, time_s=4)
        assert not report.findings
        assert not report.flaky


@pytest.mark.slow
def test_a_thread_at_every_call_is_not_waited_for(library: Path) -> None:
    """A new thread that stopped before it was known was seen a tenth of a second later, at each call."""
    report = fuzz(library, ONE.format("starts_thread"), time_s=60, runs=3000)
    assert report.stopped is Stopped.RUNS
    assert report.progress.runs >= 3000


def test_gaps_touch_no_object(library: Path) -> None:
    content = library.read_bytes()
    gaps = global_gaps(read(library), content, read_link_symbols(content))
    listed = subprocess.run([needed("nm"), "-S", str(library)], capture_output=True, text=True, check=True).stdout
    objects = {(int(at, 16), int(size, 16)) for at, size in re.findall(r"^(\w+) (\w+) [bBdDrR] ", listed, re.MULTILINE)}
    assert {"weights", "last"} <= {name for name, *_ in gaps}
    for name, address, size in gaps:
        assert any(at + length == address for at, length in objects), name
        assert not any(at < address + size and address < at + length for at, length in objects), name


def test_what_every_library_has_of_the_compiler_is_no_object(compile_library: Compile) -> None:
    plain = compile_library("int f(const char *d) { return d[0]; }")
    content, image = plain.read_bytes(), read(plain)
    symbols = tuple(read_link_symbols(content))
    assert [s.name for s in symbols if s.kind is SymbolKind.OBJECT and s.size], "nothing of the compiler is in it"
    assert global_gaps(image, content, symbols) == ()


def test_a_stripped_library_has_no_gaps(library: Path, tmp_path: Path) -> None:
    stripped = tmp_path / "libstripped.so"
    subprocess.run([needed("strip"), "-o", str(stripped), str(library)], check=True)
    content = stripped.read_bytes()
    assert global_gaps(read(stripped), content, read_link_symbols(content)) == ()


def test_a_return_address_is_known_by_its_place() -> None:
    stack = CallStack()
    if not stack.top:
        pytest.skip("calls stay on the stack of the thread here")

    def reading(word: int) -> Callable[[int, int], bytes]:
        return lambda address, size: word.to_bytes(8, "little") if (address, size) == (stack.top - 8, 8) else b""

    assert not stack.has_lost_its_return(stack.top - 100, reading(0x7F0000001000 + 30))
    assert stack.has_lost_its_return(stack.top - 100, reading(0x7F0000001000 + 31))
    assert stack.has_lost_its_return(stack.top, reading(0x4141414141414141))
    assert not stack.has_lost_its_return(stack.top + 8, reading(0)), "no call is under way"
    assert not stack.has_lost_its_return(stack.top - 8, lambda _address, _size: b"")


def test_how_far_past_the_frames_an_address_is() -> None:
    stack = CallStack()
    if not stack.top:
        pytest.skip("calls stay on their thread's stack here: this is not x86-64, or Python is 3.14 or newer")
    assert [stack.past(stack.top + step) for step in (-1, 0, 5, 1 << 20)] == [None, 0, 5, None]


def test_another_processor_is_fuzzed_untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    here = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((*here[:4], "aarch64")))
    assert tracing_refused(0) == "breakpoints and registers of aarch64 are not known here"
    assert not CallStack().top
