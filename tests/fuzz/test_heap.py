"""Errors in the use of memory that end no process by themselves: found by default, named as ASan names them."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest
from tests.conftest import Compile

from loadstone.core.claims import Finding, Severity
from loadstone.core.fuzzing import FuzzReport, fuzz_claims
from loadstone.fuzz.campaign import fuzz
from loadstone.fuzz.child.blocks import BlockTable
from loadstone.fuzz.plan import Heap
from loadstone.fuzz.worker.vitals import in_allocator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="campaigns run on Linux")

SOURCE = r"""
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
typedef const unsigned char *B; typedef unsigned long N;
#define WANT if (n < 3 || d[0] != 'H' || d[1] != 'p') return 0
int past(B d, N n) { WANT; char *b = malloc(n - 1); if (!b) return 1;
    ((volatile char *)b)[n - 1] = d[2]; free(b); return 0; }
int before(B d, N n) { WANT; volatile char *b = calloc(1, 24); if (!b) return 1; b[-1] = 1; free((void *)b); return 0; }
int after(B d, N n) { WANT; volatile char *b = malloc(24); if (!b) return 1; free((void *)b); return b[3] ? 1 : 2; }
int moved(B d, N n) { WANT; volatile char *b = malloc(10); if (!b) return 1;
    char *c = realloc((void *)b, 9000); int r = b[0]; free(c); return r ? 1 : 2; }
int twice(B d, N n) { WANT; char *b = malloc(24); if (!b) return 1; free(b); if (d[2] == 'f') free(b); return 0; }
int middle(B d, N n) { WANT; char *b = malloc(24); if (!b) return 1; free(d[2] == 'f' ? b + 8 : b); return 0; }
int local(B d, N n) { WANT; char x[64]; char *volatile p = x; *p = 1; if (d[2] == 'f') free(p + 16); return 0; }
int keeps(B d, N n) { WANT; char *b = malloc(11); if (!b) return 1; *(volatile char *)b = 1;
    return d[2] == 'k' ? -1 : (free(b), 0); }
int bomb(B d, N n) { unsigned s; if (n < 7) return 0; WANT; memcpy(&s, d + 3, 4);
    char *b = malloc(s); if (!b) abort(); *(volatile char *)b = 1; free(b); return s == 0; }
int fresh(B d, N n) { WANT; int *b = malloc(64); if (!b) return 1; b[0] = 7;
    int r = b[d[2] & 15] > 100; free(b); return r; }
int opens(B d, N n) { WANT; return open("/dev/null", O_RDONLY) < 0; }
int gives(B d, N n) { WANT; int f = open("/dev/null", O_RDONLY); if (f < 0) abort(); return f; }
int closes(B d, N n) { WANT; int f = open("/dev/null", O_RDONLY); if (f < 0) abort(); close(f); return 0; }
static void *some(N size) { return mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
int hoards(B d, N n) { WANT; while (some(1 << 20) != MAP_FAILED); while (some(4096) != MAP_FAILED); return 1; }
static int file = -1;
int once(B d, N n) { WANT; if (file < 0) file = open("/dev/null", O_RDONLY); return file < 0; }
static char *cache;
int caches(B d, N n) { WANT; if (!cache) cache = malloc(100); if (!cache) return 0;
    memset(cache, d[2], 100); return cache[1]; }
struct node { struct node *next; int v; }; static struct node *list;
int links(B d, N n) { WANT; struct node *x = malloc(sizeof *x); if (!x) return 0; x->v = d[2]; x->next = list;
    list = x; return x->v; }
int counts(B d, N n) { static int c; WANT; free(malloc(5)); return c++; }
int place(B d, N n) { WANT; char *b = malloc(33); if (!b) return 0; int r = (int)(intptr_t)b; free(b); return r; }
char *copies(B d, N n) { WANT; char *b = malloc(n); if (b) memcpy(b, d, n); return b; }
int lines(B d, N n) { WANT; size_t z = 8; char *l = malloc(8); FILE *f = l ? fmemopen((void *)d, n, "r") : 0;
    if (f) { getline(&l, &z, f); fclose(f); } free(l); return 0; }
"""
ONE = "int {}(const unsigned char *d, unsigned long n)"


@pytest.fixture
def library(compile_library: Compile) -> Path:
    return compile_library(SOURCE, "libheaperrors.so", "-O1", "-w", "-fno-builtin-malloc")


def searched(library: Path, prototype: str, **more: object) -> FuzzReport:
    return fuzz(library, prototype, **({"time_s": 40, "first": True, "seed": 1} | more))  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("symbol", "kind", "words"),
    [
        ("past", "heap-buffer-overflow", "past a block of"),
        ("before", "heap-buffer-overflow", "1 byte before a block of 24 bytes"),
        ("after", "heap-use-after-free", "3 bytes into a block of 24 bytes that was freed"),
        ("moved", "heap-use-after-free", "0 bytes into a block of 10 bytes that was freed"),
        ("twice", "double-free", "free of a block that was freed"),
        ("middle", "bad-free", "8 bytes from where its block begins"),
        ("local", "bad-free", "not a heap block"),
        ("keeps", "memory-leak", "every call keeps 11 bytes in 1 block"),
        ("bomb", "out-of-memory", "malloc of "),
        ("opens", "descriptor-leak", "every call leaves a descriptor open"),
        ("fresh", "use-of-uninitialized-value", "depends on uninitialised memory"),
    ],
)
def test_an_error_is_found_by_default_and_named(symbol: str, kind: str, words: str, library: Path) -> None:
    (found, *_) = searched(library, ONE.format(symbol)).findings
    assert (found.kind, found.repeated) == (kind, 3)
    assert words in found.detail
    assert found.inputs[-1].startswith(b"Hp")
    if kind not in ("descriptor-leak", "out-of-memory", "use-of-uninitialized-value") and symbol != "local":
        assert found.allocated[0].function == symbol
    if kind in ("heap-use-after-free", "double-free"):
        assert found.freed[0].function == symbol


@pytest.mark.slow
def test_memory_that_is_only_asked_for_and_kept_is_found(library: Path) -> None:
    """The interpreter, too, gets none then: that ends the child, and is the library's doing."""
    (found, *_) = searched(library, ONE.format("hoards"), heap=Heap.PLAIN).findings
    assert (found.kind, found.repeated) == ("memory", 3)


@pytest.mark.slow
@pytest.mark.parametrize("symbol", ["caches", "links", "counts", "place", "lines", "gives", "closes", "once"])
def test_a_correct_use_of_memory_is_no_finding(symbol: str, library: Path) -> None:
    report = searched(library, ONE.format(symbol), time_s=6)
    assert (report.findings, report.flaky) == ((), ())


@pytest.mark.slow
def test_what_the_caller_owns_is_no_leak(library: Path) -> None:
    report = searched(library, ONE.format("copies").replace("int", "char *", 1), time_s=6)
    assert (report.findings, report.flaky) == ((), ())


@pytest.mark.slow
def test_a_leak_is_a_weakness_of_medium_severity(library: Path) -> None:
    report = searched(library, ONE.format("keeps"))
    (claim,) = fuzz_claims(report)
    assert isinstance(claim, Finding)
    assert (claim.rule, claim.cwe, claim.severity) == ("fuzz-memory-leak", 401, Severity.MEDIUM)


def test_whose_memory_an_address_is() -> None:
    table = BlockTable()
    table.add(0x1000, 0x2000, 0x1FF0, 16, (1, 2))
    row = table.add(0x5000, 0x2000, 0x5F00, 256)
    for address, word in ((0x2000, "0 bytes past"), (0x1FEF, "1 byte before"), (0x6004, "4 bytes past")):
        touched = table.touched(address)
        assert touched is not None
        assert (touched.kind, touched.detail.startswith(word)) == ("heap-buffer-overflow", True)
    assert table.touched(0x2000).block.allocated_by == (1, 2)  # type: ignore[union-attr]
    table.free(row, 0x5F00, (3,))
    gone = table.touched(0x5F08)
    assert gone is not None
    assert (gone.kind, gone.detail, gone.block.freed_by) == (
        "heap-use-after-free", "8 bytes into a block of 256 bytes that was freed", (3,),
    )  # fmt: skip
    assert table.touched(0x9000) is None


def test_memory_that_is_used_again_is_the_later_blocks() -> None:
    table = BlockTable()
    table.free(table.add(0x1000, 0x2000, 0x1F00, 256), 0x1F00)
    table.add(0x1000, 0x2000, 0x1F80, 128)
    touched = table.touched(0x2001)
    assert touched is not None
    assert touched.detail == "1 byte past a block of 128 bytes"


def test_code_beside_the_allocator_is_not_taken_for_it() -> None:
    """A Python at a fixed address gives its own PLT as the address of malloc: that far the range must not reach."""
    realloc = ctypes.cast(ctypes.CDLL("libc.so.6").realloc, ctypes.c_void_p).value or 0
    assert in_allocator(realloc)
    assert not in_allocator(realloc - (1 << 20))
    assert not in_allocator(realloc + (1 << 20))
