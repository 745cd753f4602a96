"""Structs, pointers, texts, variables and callbacks, as ctypes' and cffi's suites have them."""

from __future__ import annotations

import array
import ctypes
import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.tools import unavailable

from loadstone.errors import LoadstoneError
from loadstone.library import Library, Userdata, ref
from loadstone.library.typed import fastcall

REFUSALS = (TypeError, ValueError, OverflowError, AttributeError, ctypes.ArgumentError, LoadstoneError)


def flat(record: Any) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in type(record)._members_)


STRUCT_RESULTS = {"cb_d2", "cb_ld", "cb_l3", "cb_f3", "cb_c3"}
"""Callbacks whose result is a struct: ctypes has none, so they need the extension."""


def called_back(n: Any, name: str, function: Callable[..., Any], **options: Any) -> Any:
    if name in STRUCT_RESULTS and not fastcall.available():
        unavailable("Python.h", "the extension is not built (it needs Python.h), or it is turned off")
    made = getattr(n, f"{name}_f")(function, **options)
    result = getattr(n, name)(made)
    return flat(result) if hasattr(type(result), "_members_") else result


GIVES: dict[str, tuple[Callable[[Any, Library], Any], Any]] = {
    "two doubles by value": (lambda n, _: flat(n.d2(n.D2(1, 2))), (2.0, 2.0)),
    "long and double by value": (lambda n, _: flat(n.ld(n.LD(1, 2))), (2, 4.0)),
    "three bytes by value": (lambda n, _: n.c3(n.C3(b"abc")).c, b"bbc"),
    "three floats by value": (lambda n, _: flat(n.f3(n.F3(1, 2, 3))), (1, 2, 4)),
    "three longs by value": (lambda n, _: n.l3(n.L3(1, 2, 3)).c, 4),
    "a union by value": (lambda n, _: n.u(n.U(i=4)).i, 5),
    "bit fields by value": (lambda n, _: flat(n.bits(n.Bits(-3, 1000, 5))), (-2, 1001, 6)),
    "a packed struct by value": (lambda n, _: list(n.pk(n.Pk(b"a", [1, 2, 3, 4])).d), [1, 2, 3, 5]),
    "a tuple as a struct": (lambda n, _: n.d2((1, 2)).a, 2),
    "a dict as a struct": (lambda n, _: n.d2({"b": 2}).b, 2),
    "a complex number": (lambda n, _: n.conjz(1 + 2j), 1 - 2j),
    "a short complex number": (lambda n, _: n.conjf2(1 + 2j), 1 - 2j),
    "__int128": (lambda n, _: n.add128(1 << 100, -1), (1 << 100) - 1),
    "unsigned __int128": (lambda n, _: n.neg(), 2**128 - 1),
    "char16_t": (lambda n, _: n.c16("a"), "b"),
    "char32_t": (lambda n, _: n.c32("\U0001f600"), "\U0001f601"),
    "wide text in": (lambda n, _: n.wlen("grün"), 4),
    "wide text out": (lambda n, _: n.wtext(), "grün"),
    "texts of a constant array": (lambda _, lib: list(lib.data("const char *const names[]")), [b"a", b"b", None]),
    "an open array takes its length": (lambda _, lib: list(lib.data("const double pi_table[]")), [3.0, 4.0]),
    "an array of arrays": (lambda _, lib: [list(r) for r in lib.data("int grid[2][3]")], [[1, 2, 3], [4, 5, 6]]),
    "an open array of arrays": (lambda _, lib: len(lib.data("int grid[][3]")), 2),
    "structs in an array": (lambda n, _: len(n.pts), 2),
    "a pointer variable by index": (lambda n, _: n.here[0].y, 2.0),
    "a pointer variable by contents": (lambda n, _: n.here.contents.y, 2.0),
    "a pointer variable by member": (lambda n, _: n.here.y, 2.0),
    "a slice of a pointer": (lambda n, _: n.ip[0:3], [1, 2, 3]),
    "a NULL variable": (lambda n, _: n.null_pointer.value, None),
    "a NULL function pointer": (lambda n, _: n.handlers[0], None),
    "a char variable": (lambda n, _: n.letter.value, b"x"),
    "a wide variable": (lambda n, _: n.wide.value, "w"),
    "a function pointer variable": (lambda n, _: n.op(21), 42),
    "a handle": (lambda n, _: n.a_use(n.a_new()), 1),
    "NULL as a handle": (lambda n, _: n.a_use(None), 0),
    "a struct through a pointer": (lambda n, _: n.mk().x, 3),
    "a const struct where const is taken": (lambda n, _: n.sum_points(n.cmk(), 1), 3),
    "an int array of numpy": (lambda n, _: n.sumi(np.array([1, 2], dtype=np.intc), 2), 3),
    "an int array": (lambda n, _: n.sumi(array.array("i", [1, 2]), 2), 3),
    "a long array of another name": (lambda n, _: n.suml(array.array("q", [1, 2]), 2), 3),
    "a float array": (lambda n, _: n.sumf(array.array("f", [1, 2]), 2), 3.0),
    "packed bytes as whole items": (lambda n, _: n.sumi(struct.pack("2i", 1, 2), 2), 3),
    "a c_int": (lambda n, _: n.sumi(ctypes.c_int(5), 1), 5),
    "a POINTER(c_int)": (lambda n, _: n.sumi(ctypes.pointer(ctypes.c_int(5)), 1), 5),
    "byref(c_int)": (lambda n, _: n.sumi(ctypes.byref(ctypes.c_int(5)), 1), 5),
    "an array of c_short": (lambda n, _: n.sums((ctypes.c_short * 2)(1, 2), 2), 3),
    "out-parameters as a tuple": (
        lambda _, lib: lib.function("void out_two(int *a, double *b)", out=("a", "b"))(),
        (7, 2.5),
    ),
    "one out-parameter": (lambda _, lib: lib.function("void out_text(char **t)", out=("t",))(), b"text"),
    "a text that the caller frees": (
        lambda _, lib: lib.function("char *dup(const char *s)", free="free")(b"abc"),
        b"abc",
    ),
    "a freed text, decoded": (
        lambda _, lib: lib.function("char *dup(const char *s)", free="free", encoding="utf-8")("grün"),
        "grün",
    ),
    "errno": (lambda _, lib: (lib.function("int fail(int e)", capture_errno=True)(42), ctypes.get_errno()), (-1, 42)),
    "callback: two doubles": (lambda n, _: called_back(n, "cb_d2", lambda x: n.D2(x, 2)), (1.5, 2.0)),
    "callback: long and double": (lambda n, _: called_back(n, "cb_ld", lambda x: (x, 2.5)), (3, 2.5)),
    "callback: a struct in memory": (lambda n, _: called_back(n, "cb_l3", lambda x: (x, 2, 3)), (5, 2, 3)),
    "callback: three floats": (lambda n, _: called_back(n, "cb_f3", lambda x: (x, 2, 3)), (5.0, 2.0, 3.0)),
    "callback: three bytes": (lambda n, _: called_back(n, "cb_c3", lambda _: n.C3(b"xyz")), (b"xyz",)),
    "callback: a struct argument": (lambda n, _: called_back(n, "cb_struct_arg", lambda d: int(d.a + d.b)), 3),
    "callback: signed char": (lambda n, _: called_back(n, "cb_sc", lambda: -128), -128),
    "callback: unsigned long": (lambda n, _: called_back(n, "cb_ul", lambda: 2**64 - 1), 2**64 - 1),
    "callback: an int for a float": (lambda n, _: called_back(n, "cb_f", lambda: 1), 1.0),
    "callback: double": (lambda n, _: called_back(n, "cb_d", lambda x: x * 2), 4.0),
    "callback: bool": (lambda n, _: called_back(n, "cb_b", lambda: True), True),
    "callback: char": (lambda n, _: called_back(n, "cb_c", bytes.upper), b"A"),
    "callback: wide": (lambda n, _: called_back(n, "cb_w", lambda _: "z"), "z"),
    "callback: enum": (lambda n, _: called_back(n, "cb_e", lambda _: 2), 2),
    "callback: seventeen arguments": (lambda n, _: called_back(n, "cb_many", lambda *a: int(sum(a))), 81),
    "callback: a pointer back": (lambda n, _: n.cb_pp(n.cb_pp_f(lambda p: p)).y, 2.0),
    "callback: a number of numpy": (lambda n, _: called_back(n, "cb_ll", lambda: np.int64(5)), 5),
    "callback: a text": (lambda n, _: n.cb_s(n.cb_s_f(lambda s: s + b"!")), b"in!"),
    "callback: nothing": (lambda n, _: called_back(n, "cb_v", lambda _: None), None),
}


@pytest.mark.parametrize("name", GIVES)
def test_it_gives(name: str, names: Any, library: Library) -> None:
    work, wanted = GIVES[name]
    assert work(names, library) == wanted


REFUSED: dict[str, Callable[[Any, Library], Any]] = {
    "an __int128 too large": lambda n, _: n.add128(1 << 127, 0),
    "a character beyond char16_t": lambda n, _: n.c16("\U0001f600"),
    "a number as a character": lambda n, _: n.c32(5),
    "writing a const array": lambda _, lib: lib.data("const double pi_table[2]").__setitem__(0, 1.0),
    "writing read-only memory": lambda _, lib: lib.data("double pi_table[2]").__setitem__(0, 1.0),
    "a member in read-only memory": lambda _, lib: setattr(
        lib.data("struct point { int x; double y; } corner"), "x", 1
    ),
    "a text pointer in read-only memory": lambda _, lib: lib.data("const char *names[3]").__setitem__(0, b"q"),
    "an array larger than the variable": lambda _, lib: lib.data("int grid[3][3]"),
    "a type larger than the variable": lambda _, lib: lib.data("long ratio"),
    "text too long for its array": lambda n, _: setattr(n, "buffer", b"123456789"),
    "assigning a const struct": lambda n, _: setattr(n, "corner", (1, 2)),
    "calling NULL": lambda n, _: n.handlers[0](1),
    "reading a name that is not there": lambda n, _: n.orgin,
    "writing a name that is not there": lambda n, _: setattr(n, "orgin", 1),
    "assigning a function": lambda n, _: setattr(n, "d2", 1),
    "a fraction for an integer": lambda n, _: setattr(n, "big", 1.5),
    "another handle": lambda n, _: n.a_use(n.b_new()),
    "freeing another handle": lambda n, _: n.a_free(n.b_new()),
    "a number as a handle": lambda n, _: n.a_use(5),
    "bytes as a handle": lambda n, _: n.a_use(b"xxxx"),
    "looking into a handle": lambda n, _: n.a_new()[0],
    "writing through const": lambda n, _: setattr(n.cmk(), "x", 1),
    "const where C writes": lambda n, _: n.out_point(n.cmk()),
    "another struct": lambda n, _: n.out_point(n.D2()),
    "longs for ints": lambda n, _: n.sumi(np.array([1, 2], dtype=np.int64), 2),
    "floats for ints": lambda n, _: n.sumi(np.array([1, 2], dtype=np.float32), 2),
    "unsigned for signed": lambda n, _: n.sumi(np.array([1, 2], dtype=np.uint32), 2),
    "shorts for ints": lambda n, _: n.sumi(array.array("h", [1, 2]), 2),
    "doubles for floats": lambda n, _: n.sumf(array.array("d", [1, 2]), 2),
    "seven bytes for ints": lambda n, _: n.sumi(b"1234567", 1),
    "no bytes for ints": lambda n, _: n.sumi(b"", 0),
    "a list": lambda n, _: n.sumi([1, 2], 2),
    "text for numbers": lambda n, _: n.sumi("12", 2),
    "a c_uint for int": lambda n, _: n.sumi(ctypes.c_uint(5), 1),
    "byref of a c_long": lambda n, _: n.sumi(ctypes.byref(ctypes.c_long(5)), 1),
    "a POINTER(c_float)": lambda n, _: n.sumi(ctypes.pointer(ctypes.c_float(5)), 1),
    "an array of c_int for shorts": lambda n, _: n.sums((ctypes.c_int * 2)(1, 2), 2),
    "a Python function for a pointer": lambda n, _: n.cb_ll(lambda: 1),
    "a callback of another type": lambda n, _: n.cb_ll(n.cb_f_f(lambda: 1)),
    "a number for a function": lambda n, _: n.cb_ll(5),
    "an on_error that does not fit": lambda n, _: n.cb_sc_f(lambda: 1, on_error=300),
    "a variadic callback": lambda _, lib: lib.callback("int f(int, ...)", lambda *_: 0),
    "a callback of nothing to call": lambda _, lib: lib.callback("int f(int)", 5),  # type: ignore[arg-type]
    "another convention": lambda _, lib: lib.function("int __attribute__((ms_abi)) get_vol(void)"),
    "a vector type": lambda _, lib: lib.declare("typedef int v4 __attribute__((vector_size(16)));"),
    "a place of another type": lambda n, _: (n.out_two(place := ref(), ref()), n.out_two(ref(), place)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str, names: Any, library: Library) -> None:
    with pytest.raises(REFUSALS):
        REFUSED[name](names, library)


@pytest.mark.parametrize(
    ("name", "function", "zero"),
    [
        ("cb_sc", lambda: 128, 0), ("cb_us", lambda: -1, 0), ("cb_ul", lambda: 2**64, 0), ("cb_ll", lambda: None, 0),
        ("cb_ll", lambda: "x", 0), ("cb_ll", lambda: 1.5, 0), ("cb_c", lambda _: b"ab", b"\0"),
        ("cb_f", lambda: "x", 0.0),
        ("cb_d", lambda _: 1 // 0, 0.0), ("cb_l3", lambda _: 5, (0, 0, 0)), ("cb_ll", sys.exit, 0),
    ],
)  # fmt: skip
def test_a_callback_that_fails_gives_zero_and_is_told(
    name: str, function: Callable[..., Any], zero: Any, names: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    got = called_back(names, name, function)
    assert len(seen) == 1
    if name != "cb_l3":  # what a struct in memory holds is C's then
        assert got == zero


def test_the_author_says_what_c_gets_when_a_callback_fails(names: Any) -> None:
    assert called_back(names, "cb_ll", lambda: 1 // 0, on_error=lambda error: len(str(error))) > 0


def test_userdata_comes_back_as_the_object_it_was(names: Any) -> None:
    box = Userdata({"n": 1})
    assert (
        names.cb_p(names.cb_p_f(lambda address: address if Userdata.at(address) is box.value else 0), box)
        == box.address
    )
    box.release()
    with pytest.raises(LookupError):
        Userdata.at(box.address)
