"""Macros of headers: which header an include means, what is taken of it, and that hostile includes end."""

from __future__ import annotations

from loadstone.review.frontends.c.headers import ProjectHeaders, leading

LOADS = b"#define BIND(h, n) dlsym(h, n)\n#define AS(t, h, n) ((t)BIND(h, n))\n#define UNUSED 1\n"


def test_what_a_file_uses_of_its_headers_is_found_through_other_macros_and_other_headers() -> None:
    files = {
        "src/a.c": b'#include "host.h"\nrun_t *r(void *h) { return AS(run_t *, h, "run"); }\n',
        "src/host.h": b"#include <deep/load.h>\n",
        "include/deep/load.h": LOADS,
    }
    found = ProjectHeaders(files.items()).macros("src/a.c", files["src/a.c"])
    assert {name: macro.body for name, macro in found.items()} == {
        "AS": "((t)BIND(h, n))",
        "BIND": "dlsym(h, n)",
    }
    assert leading(found, frozenset({"dlsym"})) == {"AS", "BIND"}


def test_of_two_headers_of_one_name_the_nearest_is_meant() -> None:
    files = {
        "one/a.c": b'#include "my.h"\nint n = SIZE;\n',
        "one/my.h": b"#define SIZE 1\n",
        "two/a.c": b'#include "my.h"\nint n = SIZE;\n',
        "two/my.h": b"#define SIZE 2\n",
        "three/a.c": b'#include "three/my.h"\nint n = SIZE;\n',
    }
    headers = ProjectHeaders(files.items())
    assert headers.macros("one/a.c", files["one/a.c"])["SIZE"].body == "1"
    assert headers.macros("two/a.c", files["two/a.c"])["SIZE"].body == "2"
    assert headers.macros("three/a.c", files["three/a.c"]) == {}


def test_of_two_definitions_the_first_that_does_something_is_taken() -> None:
    files = {
        "a.c": b'#include "lock.h"\nvoid f(void) { HOLD(); }\n',
        "lock.h": b"#ifdef ALONE\n#define HOLD()\n#else\n#define HOLD() take(&lock)\n#endif\n#define HOLD() other()\n",
    }
    assert ProjectHeaders(files.items()).macros("a.c", files["a.c"])["HOLD"].body == "take(&lock)"


def test_a_known_interface_keeps_its_meaning() -> None:
    files = {
        "a.c": b'#include "port.h"\nvoid *h = dlopen("x", 1);\n',
        "port.h": b"#define dlopen(p, f) LoadLibrary(p)\n",
    }
    assert ProjectHeaders(files.items()).macros("a.c", files["a.c"]) == {}


def test_headers_that_include_each_other_and_macros_that_name_each_other_end() -> None:
    files = {
        "a.h": b'#include "b.h"\n#include "a.h"\n#define A B\n',
        "b.h": b'#include "../../../a.h"\n#include "a.h"\n#define B A\n',
        "a.c": b'#include "a.h"\nint a = A;\n',
    }
    found = ProjectHeaders(files.items()).macros("a.c", files["a.c"])
    assert found.keys() == {"A", "B"}
    assert leading(found, frozenset({"dlsym"})) == frozenset()


def test_a_huge_header_is_left_out() -> None:
    files = {"a.c": b'#include "big.h"\nint a = A;\n', "big.h": b"#define A 1\n" + b" " * (1 << 20)}
    assert ProjectHeaders(files.items()).macros("a.c", files["a.c"]) == {}
