"""Typed functions, variables, callbacks and namespaces, over a library of our own."""

from __future__ import annotations

import array
import ctypes
import gc
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import Compile, needed
from tests.tools import needed_package, not_on_pypy

from loadstone.errors import InUse, InvalidPrototype, SymbolNotFound, WrongSymbolKind
from loadstone.library import Library

NO_HANDLES = not_on_pypy("its ctypes takes no handles")
SOURCE = r"""
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
struct point { int x; double y; };
union number { int32_t i; float f; };
int counter = 7; double table[3] = {1, 2, 3}; struct point origin = {3, 4.5}; const char *label = "label";
int8_t i8(int8_t v) { return v; } uint8_t u8(uint8_t v) { return v; }
int64_t i64(int64_t v) { return v; } uint64_t u64(uint64_t v) { return v; }
float f32(float v) { return v / 2; } double f64(double v) { return v / 2; } long double f80(long double v) { return v; }
bool negate(bool v) { return !v; } char next(char c) { return c + 1; }
size_t total(const unsigned char *d, size_t n) { size_t s = 0; for (size_t i = 0; i < n; i++) s += d[i]; return s; }
void fill(unsigned char *d, size_t n, unsigned char v) { for (size_t i = 0; i < n; i++) d[i] = v; }
int increment(int *v) { return ++*v; } const char *hello(void) { return "hello"; } void *nothing(void) { return 0; }
struct point moved(struct point p, int by) { p.x += by; return p; } int x_of(const struct point *p) { return p->x; }
union number as_number(union number n) { return n; } enum color { RED, GREEN } color(enum color c) { return c; }
int sum(int count, ...) {
    va_list a; va_start(a, count); int s = 0; while (count--) s += va_arg(a, int); va_end(a); return s; }
int apply(int (*f)(int), int v) { return f(v); } int fails(void) { errno = 42; return -1; }
int many(int a, double b, int64_t c, float d, const char *e, uint16_t f, double g) {
    return a + b + c + d + *e + f + g; }
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typed")
    (folder / "typed.c").write_text(SOURCE)
    target = folder / "libtyped.so"
    subprocess.run([needed("gcc"), "-shared", "-fPIC", "-o", str(target), str(folder / "typed.c")], check=True)
    return target


@pytest.fixture
def library(path: Path) -> Iterator[Library]:
    made = Library(str(path))
    yield made
    gc.collect()


@pytest.mark.parametrize(
    ("prototype", "argument", "result"),
    [
        ("int8_t i8(int8_t)", -128, -128),
        ("uint8_t u8(uint8_t)", 255, 255),
        ("int64_t i64(int64_t)", -(2**63), -(2**63)),
        ("uint64_t u64(uint64_t)", 2**64 - 1, 2**64 - 1),
        ("float f32(float)", 3.0, 1.5),
        ("double f64(double)", 3.0, 1.5),
        pytest.param("long double f80(long double)", 1.25, 1.25, marks=not_on_pypy("its ctypes has no long double")),
        ("bool negate(bool)", True, False),
        ("char next(char)", b"a", b"b"),
        ("int color(enum color { RED, GREEN } c)", 1, 1),
    ],
)
def test_scalars_go_in_and_come_back(prototype: str, argument: object, result: object, library: Library) -> None:
    assert library.function(prototype)(argument) == result


@pytest.mark.parametrize(
    "data",
    [
        b"\x01\x02\x03",
        bytearray(b"\x01\x02\x03"),
        memoryview(b"x\x01\x02\x03")[1:],
        array.array("B", [1, 2, 3]),
        np.array([1, 2, 3], dtype=np.uint8),
        (ctypes.c_ubyte * 3)(1, 2, 3),
        ctypes.create_string_buffer(b"\x01\x02\x03", 3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_holds_bytes_can_be_read_by_c(data: object, library: Library) -> None:
    assert library.function("size_t total(const unsigned char *, size_t)")(data, 3) == 6


@pytest.mark.parametrize(
    "data",
    [
        bytearray(4),
        memoryview(bytearray(4)),
        np.zeros(4, dtype=np.uint8),
        (ctypes.c_ubyte * 4)(),
        array.array("B", [0] * 4),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_can_change_can_be_written_by_c(data: object, library: Library) -> None:
    library.function("void fill(unsigned char *, size_t, unsigned char)")(data, 4, 9)
    assert bytes(memoryview(data)) == b"\x09" * 4  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"abcd", "bytes cannot change"),
        (memoryview(b"abcd"), "read-only"),
        ("text", "bytes, not str"),
        (1.5, "not float"),
        (np.zeros((4, 4), dtype=np.uint8)[:, 0], "not contiguous"),
    ],
    ids=["bytes", "readonly", "str", "float", "strided"],
)
def test_what_c_must_not_write_or_cannot_read_is_refused(value: object, said: str, library: Library) -> None:
    with pytest.raises((TypeError, ctypes.ArgumentError), match=said):
        library.function("void fill(unsigned char *, size_t, unsigned char)")(value, 4, 9)


def test_null_an_address_and_a_reference_are_pointers_too(library: Library) -> None:
    number = ctypes.c_int(41)
    increment = library.function("int increment(int *)")
    assert increment(number) == 42
    assert increment(ctypes.byref(number)) == 43
    address = ctypes.addressof(number)
    with pytest.raises(ctypes.ArgumentError, match="an address without a type"):
        increment(address)
    assert increment(library.cast("int *", address)) == 44
    assert library.function("size_t total(const unsigned char *, size_t)")(None, 0) == 0


def test_text_comes_back_as_bytes_and_null_as_none(library: Library) -> None:
    assert library.function("const char *hello(void)")() == b"hello"
    assert library.function("void *nothing(void)")() is None


def test_structs_and_unions_go_by_value_and_by_pointer(library: Library) -> None:
    api = library.declare("""
        struct point { int x; double y; };
        union number { int32_t i; float f; };
        struct point moved(struct point p, int by);
        int x_of(const struct point *p);
        union number as_number(union number n);
    """)
    moved = api.moved(api.point(1, 2.5), 10)
    assert (moved.x, moved.y) == (11, 2.5)
    assert isinstance(moved, api.point)
    assert api.x_of(moved) == 11
    assert api.as_number(api.number(f=1.0)).i == 0x3F800000


def test_variadic_arguments_have_explicit_types(library: Library) -> None:
    total = library.function("int sum(int count, ...)")
    assert total(3, ctypes.c_int(1), ctypes.c_int(2), ctypes.c_int(3)) == 6


def test_many_arguments_of_both_register_classes_arrive(library: Library) -> None:
    many = library.function("int many(int, double, int64_t, float, const char *, uint16_t, double)")
    assert many(1, 2.0, 3, 4.0, b"\x05", 6, 7.0) == 28


def test_c_calls_back(library: Library) -> None:
    triple = library.callback("int triple(int)", lambda v: v * 3)
    assert library.function("int apply(int (*f)(int), int v)")(triple, 14) == 42


def test_errno_is_kept_when_asked_for(library: Library) -> None:
    assert library.function("int fails(void)", capture_errno=True)() == -1
    assert ctypes.get_errno() == 42


def test_variables_are_views_of_the_librarys_memory(library: Library) -> None:
    counter = library.data("int counter")
    counter.value = 8
    assert library.data("int counter").value == 8
    counter.value = 7
    assert list(library.data("double table[3]")) == [1, 2, 3]
    origin = library.data("struct point { int x; double y; } origin")
    assert (origin.x, origin.y) == (3, 4.5)
    assert library.data("const char *label").value == b"label"


def test_data_is_no_function_and_a_function_no_data(library: Library) -> None:
    with pytest.raises(WrongSymbolKind, match="as a function: it is an object"):
        library.function("int counter(void)")
    with pytest.raises(WrongSymbolKind):
        library.data("int hello")
    with pytest.raises(SymbolNotFound) as missing:
        library.function("int helo(void)")
    assert "hello" in missing.value.nearest


def test_an_incomplete_struct_by_value_is_refused_when_bound(library: Library) -> None:
    with pytest.raises(InvalidPrototype, match="its members are not known"):
        library.function("int x_of(struct point p)")


def test_functions_describe_themselves(library: Library) -> None:
    function = library.function("size_t total(const unsigned char *, size_t)")
    assert function.__name__ == "total"
    assert function.__doc__ == "size_t total(const unsigned char *, size_t)"


def test_a_namespace_lists_what_it_declares(library: Library) -> None:
    api = library.declare(
        "#define LIMIT 3\nstruct point { int x; double y; }; const char *hello(void); extern int counter;"
    )
    assert dir(api) == ["LIMIT", "counter", "hello", "point"]
    assert (api.LIMIT, api.hello(), api.counter.value) == (3, b"hello", 7)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        api.nonsense  # noqa: B018


@pytest.mark.parametrize(
    "take",
    [
        lambda lib: lib.function("const char *hello(void)"),
        lambda lib: lib.data("int counter"),
        lambda lib: lib.data("double table[3]"),
        lambda lib: lib.callback("int f(int)", abs),
        lambda lib: lib.declare("const char *hello(void);"),
        lambda lib: lib.declare("const char *hello(void);").hello,
        lambda lib: lib.declare("extern struct p { int x; double y; } origin;").origin,
        pytest.param(lambda lib: lib.as_ctypes(), marks=NO_HANDLES),
        pytest.param(lambda lib: lib.as_ctypes().hello, marks=NO_HANDLES),
    ],
    ids=[
        "function",
        "data",
        "array",
        "callback",
        "namespace",
        "its function",
        "its struct",
        "ctypes",
        "ctypes function",
    ],
)
def test_nothing_taken_from_a_library_outlives_it(
    take: Callable[[Library], object], path: Path, tmp_path: Path
) -> None:
    library = Library(shutil.copy(path, tmp_path))  # a file of its own: nobody else has it loaded
    held = take(library)
    with pytest.raises(InUse):
        library.unload()
    del held
    assert library.unload()


def test_cffi_shares_the_load_and_pins_it() -> None:
    pytest.importorskip("cffi", reason="cffi has no file for this Python")
    code = """
import cffi
from loadstone import InUse, Library
ffi = cffi.FFI(); ffi.cdef("const char *zlibVersion(void);")
z = Library("z", version=1)
lib = z.as_cffi(ffi)
assert ffi.string(lib.zlibVersion()).startswith(b"1.")
try: z.unload()
except InUse as error: print(error.holders[0].kind)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "cffi library\n"


def test_threads_may_bind_and_call_at_once(library: Library) -> None:
    barrier = threading.Barrier(8)
    results: list[int] = []

    def work() -> None:
        barrier.wait()
        text = "size_t total(const unsigned char *, size_t)"
        results.extend(library.function(text)(b"\x01\x02", 2) for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [3] * 400


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loadstone.cli.main", "call", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("double f64(double)", "3"), "1.5\n"),
        (("const char *hello(void)",), "hello\n"),
        (("void *nothing(void)",), "None\n"),
        (("size_t total(const unsigned char *, size_t)", "hex:0102ff", "3"), "258\n"),
        (("void fill(unsigned char *, size_t, unsigned char)", "out:3", "3", "7"), "None\nout:3: 07 07 07\n"),
        (("bool negate(bool)", "true"), "False\n"),
        (("char next(char)", "a"), "b\n"),
    ],
)
def test_a_call_from_the_command_line_gives_its_result(words: tuple[str, ...], said: str, path: Path) -> None:
    done = call(str(path), *words)
    assert (done.returncode, done.stdout) == (0, said), done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("int8_t i8(int8_t)", "200"), "it must lie between -128 and 127"),
        (("uint8_t u8(uint8_t)", "x"), "not a value of type uint8_t"),
        (("double f64(double)",), "takes 1 argument, and 0 are given"),
        (("int x_of(struct point { int x; } p)", "1"), "cannot be written on a command line"),
    ],
)
def test_a_word_that_is_no_value_is_wrong_usage(words: tuple[str, ...], said: str, path: Path) -> None:
    done = call(str(path), *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_call_can_be_timed_and_told_as_json(path: Path) -> None:
    needed_package("msgspec")
    found = json.loads(call(str(path), "double f64(double)", "3", "--bench", "--format", "json").stdout)
    assert (found["schema"], found["result"]) == ("loadstone.call/1", 1.5)
    assert [one["how"] for one in found["timings"]][:3] == ["loadstone", "loadstone, lock kept", "ctypes"]


def test_a_c_library_built_without_symbols_of_its_own_is_bound_all_the_same(compile_library: Compile) -> None:
    stripped = compile_library("int answer(void) { return 42; }", "libanswer.so", "-s")
    assert Library(str(stripped)).function("int answer(void)")() == 42


def test_a_callback_that_raises_gives_c_a_zero_and_is_reported(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: seen.append(report.exc_type))

    def fails(_: int) -> int:
        raise LookupError

    apply = library.function("int apply(int (*f)(int), int v)")
    assert [apply(library.callback("int f(int)", fails), 5) for _ in range(20)] == [0] * 20
    assert seen == [LookupError] * 20


def test_the_interpreter_lock_can_be_kept_during_a_short_call(library: Library) -> None:
    assert library.function("double f64(double)", gil="keep")(3.0) == 1.5
