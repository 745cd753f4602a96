"""What C leaves open - lengths, truth, ends - and what Python makes of it."""

from __future__ import annotations

import array
import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tools import needed

from loadstone.errors import InvalidPrototype
from loadstone.library import Library, ref

HEADER = """
struct flexible { int count; short items[]; }; struct flexible *flexible_new(void);
int flexible_sum(struct flexible *f);
int variable(int n, const int a[n]); int rows(int n, int m, const int a[n][m]); int spare(const int n, int a[static n]);
int widened(int n, int m, const int a[static 2 * (n + 1) + m]); int columns(unsigned char n, const int a[2][n]);
int fixed(const int a[4]); int letters(const char a[16]); int key(const unsigned char a[4]); void pair(int a[2]);
struct pixel { int x, y; }; int pixels(const struct pixel a[2]); int demanded(const int a[static 4]);
_Bool negate(_Bool b); extern _Bool flag; struct with { char before; _Bool b; };
extern char text[8]; extern const int steps[]; extern const struct with pinned; const struct with *given(void);
extern const struct with many[2]; void change(struct with *w); int seen(const struct with *w);
"""
SOURCE = """
static struct { int count; short items[3]; } three = {3, {10, 20, 30}};
struct flexible *flexible_new(void) { return (void *)&three; }
int flexible_sum(struct flexible *f) { int s = 0; for (int i = 0; i < f->count; i++) s += f->items[i]; return s; }
int variable(int n, const int a[n]) { return a[n - 1]; } int rows(int n, int m, const int a[n][m]) { return a[1][0]; }
int spare(const int n, int a[static n]) { return n ? a[0] : -1; }
int widened(int n, int m, const int a[static 2 * (n + 1) + m]) { return a[0]; }
int columns(unsigned char n, const int a[2][n]) { return a[1][n - 1]; }
int fixed(const int a[4]) { return a ? a[3] : -1; } int letters(const char a[16]) { return a[0]; }
int key(const unsigned char a[4]) { return a[3]; } void pair(int a[2]) { a[0] = 3; a[1] = 4; }
int pixels(const struct pixel a[2]) { return a[1].y; } int demanded(const int a[static 4]) { return a[3]; }
_Bool negate(_Bool b) { return !b; } _Bool flag = 1; char text[8] = "hello"; const int steps[] = {1, 2, 3};
const struct with pinned = {'a', 1}; const struct with *given(void) { return &pinned; }
const struct with many[2] = {{'a', 1}, {'b', 0}}; void change(struct with *w) { w->before = 'x'; }
int seen(const struct with *w) { return w->before; }
"""


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder: Path = tmp_path_factory.mktemp("edges")
    (folder / "edges.c").write_text(HEADER + SOURCE)
    target = str(folder / "libedges.so")
    subprocess.run([needed("gcc"), "-shared", "-fPIC", "-o", target, str(folder / "edges.c")], check=True)
    return Library(target).load()


@pytest.fixture(scope="module")
def names(edges: Library) -> Any:
    return edges.declare(HEADER)


def test_a_flexible_array_is_read_and_written_where_c_has_it(names: Any) -> None:
    made = names.flexible_new()
    assert ctypes.sizeof(names.flexible) == 4
    assert made.items[0:3] == [10, 20, 30]
    made.items[2] = 31
    assert names.flexible_sum(made) == 61
    with pytest.raises(IndexError):
        _ = names.flexible().items[0]  # one of Python's own has no room for any


def test_a_pointer_has_no_end_to_run_to(names: Any) -> None:
    items = names.flexible_new().items
    for work in (list, tuple, iter, lambda one: 5 in one, lambda one: one[1:]):
        with pytest.raises((TypeError, ValueError)):
            work(items)


def test_a_parameter_may_take_its_length_from_another(names: Any) -> None:
    four = array.array("i", [1, 2, 3, 4])
    assert names.variable(4, four) == 4
    assert names.rows(2, 2, four) == 3
    assert names.spare(1, four) == 1
    with pytest.raises(ctypes.ArgumentError):
        names.variable(2, array.array("d", [1, 2]))


def ints(count: int) -> Any:
    return array.array("i", range(count))


@pytest.mark.parametrize("slow", ["0", "1"], ids=["extension", "ctypes"])
def test_an_array_has_the_length_that_its_parameter_says(
    slow: str, edges: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADSTONE_NO_FASTCALL", slow)
    names = edges.declare(HEADER)
    assert [names.fixed(ints(4)), names.fixed(ints(5)), names.fixed(None), names.demanded(ints(4))] == [3, 3, -1, 3]
    assert [names.variable(2, ints(2)), names.spare(0, None), names.widened(1, 0, ints(4))] == [1, -1, 0]
    assert [names.columns(2, ints(4)), names.columns(ctypes.c_ubyte(1), ints(2)), names.rows(1, 2, ints(2))]
    assert [names.letters(b"a"), names.key(b"1234"), names.pixels((names.pixel * 2)())] == [97, 52, 0]
    short: tuple[Callable[[], object], ...] = (
        lambda: names.fixed(ints(3)),
        lambda: names.fixed(bytes(12)),
        lambda: names.fixed(ref()),
        lambda: names.demanded(ints(3)),
        lambda: names.demanded(None),
        lambda: names.key(b"123"),
        lambda: names.pixels(names.pixel(1, 2)),
        lambda: names.variable(3, ints(2)),
        lambda: names.variable(ctypes.c_int(3), ints(2)),
        lambda: names.spare(1, None),
        lambda: names.widened(1, 1, ints(4)),
        lambda: names.columns(2, ints(3)),
        lambda: names.rows(2, 2, ints(3)),
    )
    for work in short:
        with pytest.raises(
            ctypes.ArgumentError, match=r"the buffer has \d+ bytes? and the function needs at least \d+"
        ):
            work()


def test_an_out_parameter_that_is_an_array_has_room_for_it(edges: Library) -> None:
    assert edges.function("void pair(int a[2])", out=("a",))() == [3, 4]


@pytest.mark.parametrize("text", ["int g[n];", "struct s { int a[n]; };", "int f(int a[n);", "int f(int a[-1]);"])
def test_elsewhere_a_length_must_be_known(text: str, names: Any) -> None:
    with pytest.raises(InvalidPrototype):
        Library.main().declare(text)


@pytest.mark.parametrize("value", [True, False, 1, 0, np.True_, np.False_, ctypes.c_bool(True)])
def test_a_truth_value_is_one_everywhere(value: Any, names: Any) -> None:
    wanted = bool(getattr(value, "value", value))
    assert names.negate(value) is not wanted
    names.flag = value
    assert names.flag.value is wanted
    assert getattr(names, "with")(b=value).b is wanted


class Whole:
    """An integer as numpy's are: of no class that ctypes or struct know."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __index__(self) -> int:
        return self._number


@pytest.mark.parametrize("kind", [np.int64, Whole])
def test_a_number_of_any_class_fits_or_is_refused(kind: Callable[[int], Any], edges: Library) -> None:
    names = edges.declare(HEADER + "struct narrow { unsigned bits : 3; short s; __int128 w; int a[1]; };")
    made = names.narrow(bits=kind(5), s=kind(-2), w=kind(-3), a=[kind(4)])
    assert (made.bits, made.s, made.w, list(made.a)) == (5, -2, -3, [4])
    for member, wrong in (("bits", 8), ("s", 1 << 15), ("a", [1 << 31])):
        given = [kind(wrong[0])] if isinstance(wrong, list) else kind(wrong)
        with pytest.raises(OverflowError, match="does not fit"):
            setattr(made, member, given)
    own = Library("c", 6)
    absolute = own.function("int abs(int)")
    assert absolute(kind(-5)) == 5
    with pytest.raises(ctypes.ArgumentError, match="out of range"):
        absolute(kind(1 << 40))
    text = ctypes.create_string_buffer(32)
    own.function("int snprintf(char *, size_t, const char *, ...)")(
        text, kind(32), b"%d %g", np.int8(-7), np.float32(1.5)
    )
    assert text.value == b"-7 1.5"


@pytest.mark.parametrize("value", ["x", "", b"x", None, 1.0, 2, -1, [], object(), np.int64(1), np.array([True, False])])
def test_anything_else_is_no_truth_value(value: Any, names: Any) -> None:
    made = getattr(names, "with")()
    for work in (names.negate, lambda v: setattr(names, "flag", v), lambda v: setattr(made, "b", v)):
        with pytest.raises((TypeError, OverflowError, ctypes.ArgumentError)):
            work(value)


def test_characters_of_a_variable_are_bytes(names: Any) -> None:
    assert bytes(names.text) == b"hello\0\0\0"
    names.text = b"bye"
    assert names.text.value == b"bye"
    with pytest.raises(ValueError, match="do not fit"):
        names.text = b"123456789"


@pytest.mark.parametrize("slow", ["0", "1"], ids=["extension", "ctypes"])
def test_what_is_const_is_written_in_no_way(slow: str, edges: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these would end the process: it lies in memory that is read-only."""
    monkeypatch.setenv("LOADSTONE_NO_FASTCALL", slow)
    names = edges.declare(HEADER)
    ways: tuple[Callable[[], object], ...] = (
        lambda: setattr(names, "steps", [4]),
        lambda: setattr(names.steps, "value", [4]),
        lambda: setattr(names, "pinned", (b"x", False)),
        lambda: setattr(names.pinned, "before", b"x"),
        lambda: names.change(names.pinned),
        lambda: names.change(names.many[1]),
        lambda: names.change(names.given()),
        lambda: names.change(names.given()[0]),
    )
    for way in ways:
        with pytest.raises((TypeError, ctypes.ArgumentError), match="const"):
            way()
    assert [names.seen(one) for one in (names.pinned, names.many[1], names.given()[0])] == [97, 98, 97]
    assert names.pinned == names.many[0] == getattr(names, "with")(b"a", True) != names.many[1]


def test_what_was_closed_can_still_be_shown(names: Any, tmp_path: Path) -> None:
    (tmp_path / "shown.c").write_text(HEADER + SOURCE)
    target = str(tmp_path / "libshown.so")
    subprocess.run([needed("gcc"), "-shared", "-fPIC", "-o", target, str(tmp_path / "shown.c")], check=True)
    with Library(target) as library:
        own = library.declare(HEADER)
        kept = [own.flag, own.text, own.flexible_new(), own.flexible_new().items, own.negate, own]
    assert all(isinstance(repr(one), str) for one in kept)
    assert "closed" in repr(kept[0])
