"""Run by test_misuse.py: LIBRARY HEADER KIND. Prints how many wrong calls were made; crashes if one got through."""

from __future__ import annotations

import array
import contextlib
import ctypes
import gc
import sys
import threading
from typing import Any

from loadstone import Library
from loadstone.library import ref

library = Library(sys.argv[1])
with open(sys.argv[2]) as header:
    names = library.declare(header.read())
kind = sys.argv[3]
sys.unraisablehook = lambda _: None
names.get_vol()
callables = [
    f for name in dir(names) if name not in ("a_free", "op") and hasattr(f := getattr(names, name), "signature")
]
WRONG: list[Any] = [
    None, 5, -1, 1 << 200, 1.5, "x", b"x", b"", [1], {}, object(), bytearray(1), bytearray(0), array.array("d"),
    ctypes.c_int(1), ctypes.c_double(1), ctypes.byref(ctypes.c_char()), names.D2(), names.C3(), names.b_new(),
    names.cmk(), names.get_vol, names.D2, names.cb_f_f(lambda: 1.0), len, memoryview(b"abc"), ref(), library,
]  # fmt: skip
made = 0


def attempt(work: Any) -> None:
    global made  # noqa: PLW0603  the one count of this program
    made += 1
    with contextlib.suppress(Exception):  # whatever is raised is right: it did not crash
        work()


def call_with(function: Any, position: int, value: Any) -> None:
    count = len(function.signature.parameters)
    attempt(lambda: function(*(value if i == position else 0 for i in range(count))))


def every_call() -> None:
    """NULL is a value of every pointer in C, and what it means is that function's: it is left out while it is open."""
    for function in callables:
        text = [str(p.type) for p in function.signature.parameters]
        for position, parameter in enumerate(text):
            for value in WRONG:
                if kind == "closed" or not ("*" in parameter and value is None):
                    call_with(function, position, value)


if kind == "open":
    every_call()
elif kind == "closed":
    with library:
        kept: list[Any] = [names.here, names.mk(), names.origin, names.grid, names.pts, names.op, library.resolve("d2")]
    every_call()
    uses: list[Any] = [
        lambda one: one[0], lambda one: one.x, lambda one: one.value, int, repr, bytes, list, hash, bool,
        lambda one: one.address, lambda one: setattr(one, "x", 1), lambda one: memoryview(one)[0], lambda one: one(1),
    ]  # fmt: skip
    for one in kept:
        for use in uses:
            attempt(lambda one=one, use=use: use(one))
elif kind == "freed callback":
    code = ctypes.cast(names.cb_ll_f(lambda: 7)._as_parameter_, ctypes.c_void_p).value
    gc.collect()
    assert ctypes.CFUNCTYPE(ctypes.c_longlong)(code or 0)() == 0
    made += 1
else:

    def work() -> None:
        for _ in range(30):
            for function in callables[:6]:
                call_with(function, 0, object())
            attempt(lambda: names.mk().x)
            assert names.cb_ll(names.cb_ll_f(lambda: 3)) == 3

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print(made)
