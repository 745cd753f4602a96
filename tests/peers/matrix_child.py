"""Run by test_misuse_matrix.py: LIBRARY STATE call|kind. Calls ``take_KIND`` with every value.

A pointer is followed by C when it is not NULL, so one that should have been refused ends the process it is made in: a
fork for each call, or for each kind. Each call is said before it is made.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import math
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.peers.matrix import COUNTED, KINDS, declared

from loadstone import Library
from loadstone.library import Userdata, ref
from loadstone.library.typed import fastcall

sys.unraisablehook = lambda _: None
path, state, each = sys.argv[1:4]
library, other = Library(path), Library(path)
names, closed = library.declare(declared()), other.declare(declared())


class Index:
    def __index__(self) -> int:
        return 3


class Raises:
    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError(name)

    __index__ = __float__ = __bool__ = __len__ = lambda _: 1 // 0


class Endless:
    @property
    def _as_parameter_(self) -> Any:
        return self


class Liar:
    __class__ = ctypes.c_int  # type: ignore[assignment]


class Structure(ctypes.Structure):
    _fields_ = (("a", ctypes.c_byte),)


class Number(int): ...


class Text(str): ...  # noqa: SLOT000


class Octets(bytes): ...


def made_of(space: Any) -> list[Any]:
    """One of everything that a namespace gives."""
    return [
        space.small(1, 2), space.large(), space.hfa(1.0, 2.0, 3.0), space.both(1), space.packed(b"x"), space.get_a(),
        space.get_b(), space.get_small(), space.get_ints(), space.get_void(), space.get_texts(), space.ints, space.one,
        space.op, space.take_int, space.get_a, space.on_int(int), space.on_void(print),
        space.small, space.on_int, space,
        *([space.on_small(lambda s: s)] if fastcall.available() else []),  # ctypes has no struct as a callback's result
    ]  # fmt: skip


def released() -> memoryview:
    view = memoryview(bytearray(8))
    view.release()
    return view


def values() -> list[Any]:
    """Every wrong value, and right ones of other kinds."""
    numbers = [0, 1, -1, 127, 128, 255, 256, 1 << 31, -(1 << 31), 1 << 32, 1 << 63, (1 << 64) - 1, 1 << 64, -(1 << 200)]
    plain = [
        None, True, Number(7), Index(), 0.0, -0.0, 1.5, math.nan, math.inf, 1e300, 1j, "", "x", "x\0y", "\ud800",
        "\U0001f600", Text("x"), b"", b"x", b"xy", b"x\0y", Octets(b"x"), (), [], [1], {}, set(), object(), object, len,
        lambda v: v, range(3), iter([1]), ..., NotImplemented, Exception("x"), type, os, Raises(), Endless(), Liar(),
    ]  # fmt: skip
    memory = [
        bytearray(), bytearray(1), bytearray(3), bytearray(64), memoryview(b""), memoryview(b"abcd"), released(),
        memoryview(bytearray(64))[::2], memoryview(bytearray(64))[::-1], memoryview(bytearray(64)).cast("d"),
        memoryview(bytearray(64)).cast("i", (4, 4)),
        *(array.array(code, [1] * 4) for code in "bBhHiIlLqQfd"), array.array("i"), array.array("d"),
    ]  # fmt: skip
    simple = (
        ctypes.c_byte, ctypes.c_ubyte, ctypes.c_short, ctypes.c_int, ctypes.c_uint, ctypes.c_long, ctypes.c_ulonglong,
        ctypes.c_float, ctypes.c_double, ctypes.c_longdouble, ctypes.c_bool, ctypes.c_size_t,
    )  # fmt: skip
    foreign: list[Any] = [kind(1) for kind in simple]
    foreign += [ctypes.byref(one) for one in foreign] + [ctypes.pointer(one) for one in foreign]
    foreign += [ctypes.POINTER(kind)() for kind in simple]
    foreign += [
        ctypes.c_char(b"x"), ctypes.c_wchar("x"), ctypes.c_char_p(b"x"), ctypes.c_wchar_p("x"), ctypes.c_void_p(0),
        ctypes.py_object(1), Structure(), ctypes.byref(Structure()), (ctypes.c_int * 4)(), (ctypes.c_char * 1)(),
        (Structure * 0)(), ctypes.CFUNCTYPE(ctypes.c_double)(lambda: 1.0), ctypes.byref(ctypes.c_char(b"x"), 0),
        ctypes.c_int, ctypes.CDLL(None).abs,
    ]  # fmt: skip
    ours: list[Any] = [ref(), ref(1), ref(b"x"), ref(object()), Userdata(1), library, other]
    return numbers + plain + memory + foreign + ours + made_of(names)


def alone(work: Callable[[Any], Any], given: Any) -> bool:
    """Whether it ends a process that does nothing else."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            work(given)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] != 0


def from_threads(work: Callable[[], Any]) -> None:
    """The same from four threads at once."""
    ready = threading.Barrier(4)

    def one() -> None:
        ready.wait()
        work()

    workers = [threading.Thread(target=one) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def calls(functions: Any, given: list[Any], how: Callable[[Callable[[], Any]], Any] = lambda work: work()) -> int:
    """Make every call, in a process for each or for each kind; how many were made. Which one ended it is said."""
    made = 0
    for kind in KINDS:
        works = [
            call(functions[kind], arguments, f"{state} {kind} value {number}: {type(value).__name__}")
            for number, value in enumerate(given)
            for arguments in (((value,), (value, value), ()) if number < 3 else ((value,),))
        ]
        made += len(works)
        groups = [[one] for one in works] if each == "call" else [works]
        crashed.extend(alone(lambda group: [how(one) for one in group], group) for group in groups)
    return made


def taken(space: Any) -> dict[str, Callable[..., Any]]:
    """The function of each kind, without the number that comes first in some."""
    functions = {kind: getattr(space, f"take_{kind}") for kind in KINDS}
    return {kind: partial(one, 1) if kind in COUNTED else one for kind, one in functions.items()}


def call(function: Any, arguments: tuple[Any, ...], words: str) -> Callable[[], None]:
    """What says a call, then makes it; whatever it raises is right: it did not crash."""

    def work() -> None:
        os.write(2, f"{words}\n".encode())
        with contextlib.suppress(Exception):
            function(*arguments)

    return work


crashed: list[bool] = []
every, kept = taken(names), taken(closed)
wrong = values()
of_closed = made_of(closed)
if state == "given":
    count = calls(every, wrong)
elif state == "closed":
    with other:
        inside = other.declare(declared())
        kept = taken(inside)
        of_closed = made_of(inside)
    count = calls(kept, wrong) + calls(every, of_closed)
else:
    count = calls(every, wrong + of_closed, from_threads)
print(count, sum(crashed), len(KINDS), len(wrong))
