"""Small ELF images for the tests: compiled for 32 and 64 bits, and their big-endian twins rewritten field by field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import calcsize, unpack_from

from tests.built import build
from tests.conftest import needed

SOURCE = r"""
typedef unsigned long size_t;
extern void *memcpy(void *, const void *, size_t);
extern int puts(const char *) __attribute__((weak));
__asm__(".symver old_answer,answer@SMALL_1");
__asm__(".symver new_answer,answer@@SMALL_2");
int old_answer(void) { return 41; }
int new_answer(void) { return 42; }
static char store[16];
char *table[] = {store, store + 4};
__thread int per_thread = 7;
int *where(void) { return &per_thread; }
int copy(const char *from) { memcpy(store, from, 8); return puts ? puts(store) : 0; }
static int chosen(void) { return 1; }
static void *choose(void) { return (void *)chosen; }
int picked(void) __attribute__((ifunc("choose")));
__attribute__((constructor)) static void begin(void) { store[0] = 1; }
__attribute__((destructor)) static void end(void) { store[0] = 0; }
"""

VERSIONS = "SMALL_1 { global: answer; local: choose; };\nSMALL_2 { global: answer; copy; } SMALL_1;\n"

STUB = """
int puts(const char *text) { return text != 0; }
void *memcpy(void *to, const void *from, unsigned long size) { return from && size ? to : 0; }
void *___tls_get_addr(void *index) { return index; }
"""
STUB_VERSIONS = "GLIBC_2.0 { global: puts; memcpy; };\nGLIBC_2.3 { global: ___tls_get_addr; } GLIBC_2.0;\n"

_FLAGS = """
-shared -fPIC -O1 -nostartfiles -s -Wl,-soname,libsmall.so.1 -Wl,-z,noseparate-code -Wl,-z,max-page-size=4096
-Wl,-z,norelro -Wl,--hash-style=both -Wl,--build-id=0x0123456789abcdef
"""


def small_library(folder: Path, bits: int, *flags: str) -> bytes:
    """A shared object of a few kilobytes with versions, thread-local storage, an IFUNC and initialisers."""
    source, versions = folder / "small.c", folder / "small.map"
    source.write_text(SOURCE)
    versions.write_text(VERSIONS)
    target = folder / f"small{bits}.so"
    flags += ("-nostdlib", str(_stub(folder))) if bits == 32 else ()
    words = [f"-m{bits}", *_FLAGS.split(), f"-Wl,--version-script,{versions}", "-o", str(target), str(source)]
    build([needed("gcc"), *words, *flags], target)
    return target.read_bytes()


def _stub(folder: Path) -> Path:
    """What stands for the C library of a 32-bit system, which few machines have: its name, symbols and versions."""
    versions, target = folder / "stub.map", folder / "libc.so.6"
    versions.write_text(STUB_VERSIONS)
    words = ["-m32", "-shared", "-fPIC", "-w", "-nostdlib", "-fno-builtin", "-Wl,-soname,libc.so.6"]
    command = [needed("gcc"), *words, f"-Wl,--version-script,{versions}", "-o", str(target), "-x", "c", "-"]
    build(command, target, STUB)
    return target


class _Swapper:
    """Rewrites a little-endian image as a big-endian one, record by record, so that nothing is swapped twice."""

    def __init__(self, data: bytes) -> None:
        self.old = data
        self.new = bytearray(data)
        self.wide = data[4] == 2

    def record(self, layout: str, offset: int) -> tuple[int, ...]:
        fields = unpack_from("<" + layout, self.old, offset)
        position = offset
        for code in layout:
            size = calcsize("<" + code)
            self.new[position : position + size] = self.old[position : position + size][::-1]
            position += size
        return fields

    def records(self, layout: str, offset: int, size: int) -> Iterator[tuple[int, ...]]:
        step = calcsize("<" + layout)
        for position in range(offset, offset + size - step + 1, step):
            yield self.record(layout, position)


def big_endian(data: bytes) -> bytes:
    """The same facts in the other byte order (code and data words are left as they are)."""
    swap = _Swapper(data)
    wide = swap.wide
    header = swap.record("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH", 16)
    swap.new[5] = 2
    for kind, *rest in swap.records("IIQQQQQQ" if wide else "IIIIIIII", header[4], header[8] * header[9]):
        offset, size = (rest[1], rest[4]) if wide else (rest[0], rest[3])
        if kind == 2:
            list(swap.records("QQ" if wide else "II", offset, size))
    sections = list(swap.records("IIQQQQIIQQ" if wide else "IIIIIIIIII", header[5], header[10] * header[11]))
    word = "Q" if wide else "I"
    for _, kind, _, _, offset, size, _, info, *_ in sections:
        if kind in (2, 11):
            list(swap.records("IBBHQQ" if wide else "IIIBBH", offset, size))
        elif kind == 4:
            list(swap.records("QQQ" if wide else "III", offset, size))
        elif kind == 9:
            list(swap.records(word * 2, offset, size))
        elif kind in (14, 15, 16):
            list(swap.records(word, offset, size))
        elif kind == 5:
            list(swap.records("I", offset, size))
        elif kind == 0x6FFFFFFF:
            list(swap.records("H", offset, size))
        elif kind == 0x6FFFFFF6:
            _gnu_hash(swap, offset, size, word)
        elif kind == 7:
            _notes(swap, offset, size)
        elif kind == 0x6FFFFFFE:
            _chain(swap, offset, info, "HHIII", "IHHII")
        elif kind == 0x6FFFFFFD:
            _chain(swap, offset, info, "HHHHIII", "II")
    return bytes(swap.new)


def _gnu_hash(swap: _Swapper, offset: int, size: int, word: str) -> None:
    _, _, bloom, _ = swap.record("IIII", offset)
    list(swap.records(word, offset + 16, bloom * calcsize(word)))
    start = offset + 16 + bloom * calcsize(word)
    list(swap.records("I", start, offset + size - start))


def _notes(swap: _Swapper, offset: int, size: int) -> None:
    position = offset
    while position + 12 <= offset + size:
        name, content, kind = swap.record("III", position)
        position += 12 + -(-name // 4) * 4
        if kind == 5:
            list(swap.records("I", position, content))
        position += -(-content // 4) * 4


def _chain(swap: _Swapper, offset: int, count: int, outer: str, inner: str) -> None:
    for _ in range(count):
        fields = swap.record(outer, offset)
        auxiliaries = fields[3] if outer.startswith("HHHH") else fields[1]
        at = offset + fields[-2]
        for _ in range(auxiliaries):
            at += swap.record(inner, at)[-1]
        offset += fields[-1]
