"""Exports that would be called in place of the C library's are told, for libraries and not for the C library."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Compile

from loadstone.binary import read, shadowing
from loadstone.binary.interposition import INTERPOSABLE, purpose_of

_SOURCE = """
#include <stddef.h>
void *malloc(size_t n) { return (void *)(n + 1); }
static int getenv(void) { return 1; }
int dup2 = 3;
int mine(void) { return getenv(); }
"""


def test_only_exported_functions_shadow(compile_library: Compile) -> None:
    library = compile_library(_SOURCE, "libshadow.so", "-fno-builtin", "-w", "-Wl,-soname,libshadow.so")
    assert [symbol.name for symbol in shadowing(read(library))] == ["malloc"]
    assert purpose_of("malloc") == "memory allocation"
    assert purpose_of("mine") is None


def test_the_c_library_does_not_shadow_itself() -> None:
    for path in ("/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib64/libc.so.6", "/usr/lib/libc.so.6"):
        if Path(path).exists():
            image = read(path)
            assert shadowing(image) == ()
            offered = {symbol.name for symbol in image.exports}
            strangers = {name for name in INTERPOSABLE if name not in offered}
            assert len(strangers) < 12, strangers  # the table is of real names, but for a few of other libraries
