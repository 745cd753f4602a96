"""Functions called through the extension behave as those called through ctypes, and live as long."""

from __future__ import annotations

import array
import copy
import ctypes
import gc
import inspect
import os
import pickle
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tools import needed, not_on_pypy, unavailable

from loadstone.errors import InUse
from loadstone.library import Library, ref
from loadstone.library.typed import fastcall

SCALARS = {
    "int8_t": (-128, 127),
    "uint8_t": (0, 255),
    "int16_t": (-(2**15), 2**15 - 1),
    "uint16_t": (0, 2**16 - 1),
    "int32_t": (-(2**31), 2**31 - 1),
    "uint32_t": (0, 2**32 - 1),
    "int64_t": (-(2**63), 2**63 - 1),
    "uint64_t": (0, 2**64 - 1),
}
ECHOES = "\n".join(f"{kind} echo_{kind}({kind} v) {{ return v; }}" for kind in SCALARS)
SOURCE = f"""
#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>
{ECHOES}
bool not(bool v) {{ return !v; }} float half(float v) {{ return v / 2; }}
size_t total(const unsigned char *d, size_t n) {{ size_t s = 0; while (n--) s += *d++; return s; }}
void fill(unsigned char *d, size_t n, unsigned char v) {{ while (n--) *d++ = v; }}
const char *same(const char *t) {{ return t; }} void *address(void *p) {{ return p; }}
char letter(char c) {{ return c; }} int sum3(const int *v) {{ return v[0] + v[1] + v[2]; }}
struct point {{ int x, y; }}; int put(int *v) {{ return *v = 9; }} double twice(double v) {{ return 2 * v; }}
int read_x(const struct point *p) {{ return p->x; }}
struct point turned(struct point p) {{ int x = p.x; p.x = p.y; p.y = x; return p; }}
int apply(int (*f)(int), int v) {{ return f(v); }} int next(int v) {{ return v + 1; }}
"""
needs_extension = pytest.mark.usefixtures("extension")


@pytest.fixture
def extension() -> None:
    if not fastcall.available():
        unavailable("Python.h", "the extension is not built (it needs Python.h), or it is turned off")


SUM, PUT = "int sum3(const int *v)", "int put(int *v)"
READ = "struct point { int x, y; }; int read_x(const struct point *p)"


class Colour(IntEnum):
    RED = 5


class Flag(IntFlag):
    A = 1
    B = 2


class Wide(IntEnum):
    BEYOND = 1 << 40


class Foreign(ctypes.Structure):
    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int))


class Swapped(ctypes.BigEndianStructure):
    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int))


SIGNATURES = 1000 if os.environ.get("LOADSTONE_TEST_SCALE") == "full" else 100


def compiled(folder: Path, source: str, *flags: str) -> Path:
    (folder / "source.c").write_text(source)
    target = folder / "libmade.so"
    subprocess.run([needed("gcc"), "-shared", "-fPIC", "-w", *flags, "-o", target, folder / "source.c"], check=True)
    return target


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("fast"), SOURCE)


def both(path: Path, prototype: str, monkeypatch: pytest.MonkeyPatch) -> list[Callable[..., Any]]:
    """The function as declared here, and as declared with the extension turned off."""
    made = [Library(str(path)).function(prototype)]
    monkeypatch.setenv("LOADSTONE_NO_FASTCALL", "1")
    made.append(Library(str(path)).function(prototype))
    monkeypatch.delenv("LOADSTONE_NO_FASTCALL")
    return made


def outcome(function: Callable[..., Any], *arguments: object) -> tuple[object, str]:
    try:
        result = function(*arguments)
    except (TypeError, OverflowError, ctypes.ArgumentError) as error:
        return type(error), str(error)
    return result, type(result).__name__


@needs_extension
def test_the_extension_is_chosen_and_can_be_turned_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast, slow = both(path, "int next(int)", monkeypatch)
    assert type(fast).__name__ == "Function"
    assert isinstance(slow, ctypes._CFuncPtr)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", SCALARS)
def test_every_integer_keeps_its_edges_and_refuses_what_lies_beyond(
    kind: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high = SCALARS[kind]
    for function in both(path, f"{kind} echo_{kind}({kind})", monkeypatch):
        assert [function(v) for v in (low, high, 0, 1)] == [low, high, 0, 1]
        for beyond in (low - 1, high + 1, 10**5000):
            with pytest.raises(ctypes.ArgumentError, match="out of range"):
                function(beyond)


@pytest.mark.parametrize(
    ("prototype", "arguments"),
    [
        ("int next(int)", ()),
        ("int next(int)", (1, 2)),
        ("char letter(char)", (b"x",)),
        ("char letter(char)", (b"\xff",)),
        ("char letter(char)", (120,)),
        ("char letter(char)", (b"xy",)),
        ("char letter(char)", ("x",)),
        ("int sum3(const int v[3])", ((ctypes.c_int * 3)(1, 2, 3),)),
        ("int sum3(const int v[static 3])", ((ctypes.c_int * 3)(1, 2, 3),)),
        ("int sum3(const int v[static 3])", ((ctypes.c_int * 2)(1, 2),)),
        ("int sum3(const int v[static 3])", (bytes(12),)),
        ("int sum3(const int v[static 3])", (bytes(11),)),
        ("int sum3(const int v[static 3])", (None,)),
        ("int sum3(const int v[static 3])", ("text",)),
        ("int next(int)", ("x",)),
        ("int next(int)", (1.5,)),
        ("int next(int)", (None,)),
        ("int next(int)", (True,)),
        ("int next(int)", (ctypes.c_int(3),)),
        ("int next(int)", (2**31,)),
        ("bool not(bool)", (2,)),
        ("float half(float)", (1e300,)),
        ("float half(float)", (float("nan"),)),
        ("float half(float)", (3,)),
        ("float half(float)", ("x",)),
        ("size_t total(const unsigned char *, size_t)", ("text", 1)),
        ("size_t total(const unsigned char *, size_t)", (1.5, 1)),
        ("size_t total(const unsigned char *, size_t)", (bytearray(b"\x01\x02"), -1)),
        ("size_t total(const unsigned char *, size_t)", (memoryview(b"abcd")[::2], 2)),
        ("size_t total(const unsigned char *, size_t)", ((ctypes.c_ubyte * 2)(1, 2), 2)),
        ("void fill(unsigned char *, size_t, unsigned char)", (b"ab", 2, 1)),
        ("void fill(unsigned char *, size_t, unsigned char)", (memoryview(b"ab"), 2, 1)),
        ("void fill(unsigned char *, size_t, unsigned char)", (bytearray(2), 2, 256)),
        ("const char *same(const char *)", (b"text",)),
        ("const char *same(const char *)", (None,)),
        ("void *address(void *)", (0,)),
        ("void *address(void *)", (-1,)),
        ("void *address(void *)", (ctypes.c_void_p(7),)),
        ("void *address(void *)", (Colour.RED,)),
        ("int next(int)", (Colour.RED,)),
        ("int next(int)", (Flag.A | Flag.B,)),
        ("int next(int)", (Wide.BEYOND,)),
        ("float half(float)", (True,)),
        ("float half(float)", (np.float64(3),)),
        ("float half(float)", (np.float32(3),)),
        ("float half(float)", (10**400,)),
        ("double twice(double)", (2**63 + 1,)),
        ("double twice(double)", (Colour.RED,)),
        *((SUM, (given,)) for given in (
            array.array("i", [1, 2, 3]), array.array("I", [1, 2, 3]), array.array("h", [1] * 6), array.array("i"),
            np.arange(3, dtype=np.int32), np.arange(3, dtype=">i4"), np.arange(3, dtype=np.float32),
            np.arange(6, dtype=np.int32)[::2], np.arange(6, dtype=np.int32)[:3], np.zeros((3, 3), np.int32),
            memoryview(np.arange(3, dtype=np.int32).tobytes()).cast("i"), memoryview(bytes(11)), bytearray(12),
            (ctypes.c_int * 3)(1, 2, 3), (ctypes.c_uint * 3)(1, 2, 3), (ctypes.c_int.__ctype_be__ * 3)(1, 2, 3),
            ref(1), ref(1.5), Colour.RED,
        )),
        *((PUT, (given,)) for given in (
            ctypes.byref(ctypes.c_int(4)), ctypes.pointer(ctypes.c_int(4)), ctypes.c_int(4), ctypes.c_long(4),
            ctypes.c_int.__ctype_be__(4), ctypes.byref(ctypes.c_double(4)), b"abcd", memoryview(b"abcd").cast("i"),
            np.arange(3, dtype=np.int32), array.array("i"), bytearray(4), bytearray(3), ref(), ref(int),
        )),
        (READ, (Foreign(1, 2),)), (READ, (ctypes.byref(Foreign(1, 2)),)), (READ, (Swapped(1, 2),)),
        (READ, (np.zeros(1, dtype=[("x", "i4"), ("y", "i4")]),)), (READ, (bytes(8),)), (READ, (bytes(7),)),
        (READ, (np.zeros(1, dtype=[("x", ">i4"), ("y", ">i4")]),)),
    ],
)  # fmt: skip
def test_results_and_errors_are_those_of_ctypes(
    prototype: str, arguments: tuple[object, ...], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast, slow = both(path, prototype, monkeypatch)
    assert repr(outcome(fast, *arguments)) == repr(outcome(slow, *arguments))


def test_a_class_that_was_taken_once_opens_the_way_to_no_other(path: Path) -> None:
    read = Library(str(path)).function(READ)
    pair = (Foreign * 2)(Foreign(1, 2), Foreign(3, 4))
    for _ in range(3):
        given = (Foreign(7, 2), ctypes.byref(Foreign(8, 2)), ctypes.byref(pair[0], ctypes.sizeof(Foreign)))
        assert [read(one) for one in given] == [7, 8, 3]
        for wrong in (Swapped(1, 2), ctypes.byref(Swapped(1, 2)), ctypes.byref(ctypes.c_short(1))):
            with pytest.raises((TypeError, ctypes.ArgumentError), match="is given where C wants"):
                read(wrong)


@needs_extension
def test_a_struct_by_value_is_what_ctypes_makes_of_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = "struct point { int x, y; }; struct other { int x, y; }; struct point turned(struct point p);"
    space = Library(str(path)).declare(header)
    assert type(space.turned).__name__ == "Function"
    monkeypatch.setenv("LOADSTONE_NO_FASTCALL", "1")
    slow = Library(str(path)).declare(header)
    assert type(slow.turned).__name__ == "CFunctionType"
    kept = space.point(1, 2)
    for given in ((3, 4), {"x": 1}, None, 5, (1, 2, 3), "xy", ctypes.c_long(1)):
        assert repr(outcome(space.turned, given)) == repr(outcome(slow.turned, given))
    assert repr(space.turned(kept)) == repr(slow.turned(slow.point(1, 2))) == "point(x=2, y=1)"
    assert type(space.turned(kept)) is space.point
    assert kept == space.point(1, 2)  # C had a copy
    for wrong in (space.other(1, 2), Foreign(1, 2)):
        with pytest.raises(ctypes.ArgumentError, match="is given where C wants a struct point"):
            space.turned(wrong)


@pytest.mark.parametrize(
    ("prototype", "given"),
    [
        (SUM, np.arange(3, dtype=">i4")),
        (SUM, (ctypes.c_int.__ctype_be__ * 3)(1, 2, 3)),
        (PUT, ctypes.c_int.__ctype_be__(4)),
        (READ, Swapped(1, 2)),
        (READ, np.zeros(1, dtype=[("x", ">i4"), ("y", ">i4")])),
    ],
    ids=["array", "ctypes array", "number", "struct", "structured array"],
)
@pytest.mark.skipif(sys.byteorder == "big", reason="that is this machine's order")
def test_items_in_the_other_byte_order_are_refused(
    prototype: str, given: object, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for function in both(path, prototype, monkeypatch):
        with pytest.raises(ctypes.ArgumentError, match="is given where C wants a"):
            function(given)


def test_both_say_what_they_take(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for function in both(path, "size_t total(const unsigned char *data, size_t n)", monkeypatch):
        told = inspect.signature(function)
        assert str(told) == "(data: 'const unsigned char *', n: 'size_t', /) -> 'size_t'"
        with pytest.raises(TypeError, match=r"total\(\) takes 2 arguments \(3 given\)"):
            function(b"", 0, 0)
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            pickle.dumps(function)
        assert repr(function).startswith("<C function ")


def test_a_buffer_smaller_than_declared_is_refused(path: Path) -> None:
    function = Library(str(path)).function("int sum3(const int v[static 3])")
    with pytest.raises(ctypes.ArgumentError, match="the buffer has 8 bytes and the function needs at least 12"):
        function(bytes(8))


@needs_extension
def test_what_finds_no_register_goes_to_the_stack_and_what_finds_no_word_to_ctypes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def source(name: str, count: int) -> str:
        listed = ", ".join(f"int64_t i{n}, double d{n}" for n in range(count))
        total = " + ".join(f"{n + 1} * i{n} + {n + 20} * d{n}" for n in range(count))
        return f"double {name}({listed}) {{ return {total}; }}"

    target = compiled(tmp_path, "#include <stdint.h>\n" + source("eleven", 11) + source("twelve", 12))
    for name, count, kind in (("eleven", 11, "Function"), ("twelve", 12, "CFunctionType")):
        prototype = f"double {name}({', '.join(['int64_t', 'double'] * count)})"
        fast, slow = both(target, prototype, monkeypatch)
        values = [value for n in range(count) for value in (7 * n - 3, 0.5 * n)]
        assert type(fast).__name__ == kind
        assert fast(*values) == slow(*values) == sum((n + 1) * (7 * n - 3) + (n + 20) * 0.5 * n for n in range(count))


@pytest.mark.parametrize("level", [pytest.param("-O0", marks=pytest.mark.slow), "-O2"])
def test_random_signatures_give_c_what_ctypes_gives_it(
    level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(level)
    kinds = [*SCALARS, "float", "double"]
    source, signatures = ["#include <stdint.h>", "#include <string.h>"], []
    for number in range(SIGNATURES):
        taken = [chance.choice(kinds) for _ in range(chance.randint(0, 18))]
        listed = ", ".join(f"{kind} a{i}" for i, kind in enumerate(taken)) or "void"
        mixed = "".join(
            f"{{ uint64_t w = 0; memcpy(&w, &a{i}, sizeof a{i}); h = (h ^ w) * 1099511628211u; }}"
            for i in range(len(taken))
        )
        source.append(f"uint64_t f{number}({listed}) {{ uint64_t h = 14695981039346656037u; {mixed} return h; }}")
        signatures.append((f"uint64_t f{number}({listed})", taken))
    target = compiled(tmp_path, "\n".join(source), level)
    for prototype, taken in signatures:
        fast, slow = both(target, prototype, monkeypatch)
        for _ in range(4):
            values = [value_of(kind, chance) for kind in taken]
            assert fast(*values) == slow(*values), (prototype, values)


def value_of(kind: str, chance: random.Random) -> int | float:
    if kind in ("float", "double"):
        return chance.choice([0.0, -0.0, 1.5, -1e-40, 1e300, float("inf"), chance.uniform(-1e6, 1e6)])
    low, high = SCALARS[kind]
    return chance.choice([low, high, 0, 1, chance.randint(low, high)])


def test_a_place_that_refused_its_value_refuses_it_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for function in both(path, PUT, monkeypatch):
        place = ref(1.5)
        for _ in range(3):
            with pytest.raises(ctypes.ArgumentError, match="int takes a number, not float"):
                function(place)


@not_on_pypy("what its ctypes.cast makes keeps nothing alive")
def test_a_function_is_given_to_c_as_a_pointer_and_keeps_its_library(path: Path, tmp_path: Path) -> None:
    library = Library(shutil.copy(path, tmp_path))
    function = library.function("int next(int)")
    assert library.function("int apply(int (*f)(int), int v)")(function, 4) == 5
    source: Any = function
    held = ctypes.cast(getattr(source, "pointer", source), ctypes.c_void_p)
    del source
    del function
    with pytest.raises(InUse):
        library.unload()
    del held
    assert library.unload()


@needs_extension
def test_a_function_is_neither_copied_nor_pickled_and_says_what_it_is(path: Path) -> None:
    function = Library(str(path)).function("int next(int)")
    assert repr(function) == "<C function int next(int)>"
    assert function.__name__ == "next"
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            attempt(function)


@not_on_pypy("it counts no references")
def test_calls_keep_no_reference_to_their_arguments(path: Path) -> None:
    total = Library(str(path)).function("size_t total(const unsigned char *, size_t)")
    data, text = bytearray(b"\x01\x02"), b"a text of its own"
    before = sys.getrefcount(data), sys.getrefcount(text), sys.getrefcount(total)
    for _ in range(500_000):
        total(data, 2)
        total(text, 2)
    with pytest.raises(ctypes.ArgumentError):
        total(data, -1)
    gc.collect()
    assert (sys.getrefcount(data), sys.getrefcount(text), sys.getrefcount(total)) == before
    data.append(3)  # and no export of its memory is left


def test_text_is_encoded_and_decoded_where_that_is_asked_for(path: Path) -> None:
    library = Library(str(path))
    same = library.function("const char *same(const char *)", encoding="utf-8")
    assert same("grün") == same("grün".encode()) == "grün"
    assert same(None) is None
    with pytest.raises(ctypes.ArgumentError, match="the text has a NUL in it"):
        same("a\0b")
    with pytest.raises(UnicodeDecodeError):
        same(b"\xff")
    with pytest.raises(ctypes.ArgumentError, match="encode the text first"):
        library.function("const char *same(const char *)")("text")
    with pytest.raises(LookupError):
        library.function("const char *same(const char *)", encoding="no-such-encoding")


def test_arrays_and_structs_lend_their_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = np.array([1, 2, 3], dtype=np.intc)
    for function in both(path, "int sum3(const int *v)", monkeypatch):
        assert function(numbers) == function(array.array("i", [1, 2, 3])) == function((ctypes.c_int * 3)(1, 2, 3)) == 6
        with pytest.raises(ctypes.ArgumentError, match="not contiguous"):
            function(np.arange(6, dtype=np.intc)[::2])
    for function in both(path, "void fill(unsigned char *, size_t, unsigned char)", monkeypatch):
        target = np.zeros(4, dtype=np.uint8)
        function(target, 4, 9)
        assert target.tolist() == [9] * 4
        target.flags.writeable = False
        with pytest.raises(ctypes.ArgumentError, match="read-only"):
            function(target, 4, 9)


def test_callbacks_may_call_again_collect_and_raise(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(str(path))
    apply = library.function("int apply(int (*f)(int), int v)")
    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: seen.append(report.exc_type))

    def again(depth: int) -> int:
        gc.collect(0)
        if depth < 0:
            raise RuntimeError
        if depth == 0:
            return 0
        return apply(pointer, depth - 1) + 1  # type: ignore[no-any-return]

    pointer = library.callback("int again(int)", again)
    assert apply(pointer, 10) == 10
    apply(pointer, -1)  # what C gets then is undefined; that it was told is not
    assert seen == [RuntimeError]


@pytest.mark.slow
def test_threads_call_while_others_try_to_unload(path: Path, tmp_path: Path) -> None:
    library = Library(shutil.copy(path, tmp_path))
    function = library.function("int next(int)")
    wrong: list[object] = []

    def calls() -> None:
        wrong.extend(v for v in range(5000) if function(v) != v + 1)

    def unloads() -> None:
        for _ in range(20):
            try:
                wrong.append(library.unload())
            except InUse:
                continue

    threads = [threading.Thread(target=work) for work in (calls, calls, unloads, calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
