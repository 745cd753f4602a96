"""Typed calls of eight shapes, and more than a call, beside everybody else's, in nanoseconds; two threads too.

The lock is kept and released. What is timed is a loop of plain calls
(timeit); nothing stands between the loop and the call.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from timeit import Timer
from types import ModuleType
from typing import Any, Final, Literal

from bench.figure import Bar, Figure, Row, alternate, faster_than, times_of
from bench.peers_of_calls import DECLARED, EDGES, PEERS, SHAPES, library
from loadstone.library import Library

NUMBER: Final = 100_000
ROUNDS: Final = 7
_LOCK: Final[tuple[Literal["release"], Literal["keep"]]] = ("release", "keep")
_ABS: Final = "built-in abs"
_BOUND: Final = "the bound function"
_CTYPES_PEER: Final = "ctypes, the same types"
_GIL: Final = (
    "letting go of the interpreter's lock and taking it again is more than half of it, and the same for cffi's API mode"
)
_BARS: Final = {
    "number": (
        faster_than(_CTYPES_PEER, 4, _GIL),
        faster_than("cffi, ABI mode", 3, _GIL),
        times_of("cffi, API mode", 1, _GIL),
    ),
    "size": (times_of("cffi, API mode", 1),),
    "field": (times_of("cffi, API mode", 1),),
}
_Measures = dict[str, Callable[[], float] | None]
_MEGABYTE: Final = bytearray(1 << 20)


class _Point(ctypes.Structure):
    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int))


_POINT: Final = _Point(1, 2)
_I, _L, _F, _D = ctypes.c_int, ctypes.c_long, ctypes.c_float, ctypes.c_double
_ARGUMENTS: Final[dict[str, tuple[Any, ...]]] = {
    "none": (),
    "number": (-5,),
    "two": (2.0, 0.5),
    "size": (b"loadstone",),
    "six": (1, 2.0, 3, 4.0, 5, 6.0),
    "twelve": (1, 2.0, 3, 4.0, 5, 6.0, 7, 8.0, 9, 10.0, 11, 12.0),
    "field": (ctypes.byref(_POINT),),
    "buffer": (_MEGABYTE, 1 << 20),
}
_CTYPES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "none": (_I, []),
    "number": (_I, [_I]),
    "two": (_D, [_D, _D]),
    "size": (ctypes.c_size_t, [ctypes.c_char_p]),
    "six": (_D, [_I, _D, _L, _F, ctypes.c_uint, _D]),
    "twelve": (_D, [_I, _D, _L, _D] * 3),
    "field": (_I, [ctypes.POINTER(_Point)]),
    "buffer": (ctypes.c_size_t, [ctypes.c_char_p, ctypes.c_size_t]),
}


def _cost(function: Callable[..., Any] | None, arguments: tuple[Any, ...]) -> Callable[[], float] | None:
    """A measurement of nanoseconds by call: a loop of plain calls, nothing between the loop and the call."""
    if function is None:
        return None
    names = [f"a{i}" for i in range(len(arguments))]
    timer = Timer(f"f({', '.join(names)})", globals={"f": function, **dict(zip(names, arguments, strict=True))})
    return lambda: 1e9 * timer.timeit(NUMBER) / NUMBER


def _in_two_threads(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[[], float]:
    """A measurement of nanoseconds of wall time by call when two threads make them at once."""

    def work() -> None:
        for _ in range(NUMBER):
            function(*arguments)

    def measure() -> float:
        threads = [threading.Thread(target=work) for _ in range(2)]
        begin = perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return 1e9 * (perf_counter() - begin) / (2 * NUMBER)

    return measure


def _modules(folder: Path) -> dict[str, ModuleType | None]:
    made: dict[str, ModuleType | None] = {}
    for name, build in PEERS.items():
        try:
            made[name] = build(folder)
        except (ImportError, OSError, subprocess.CalledProcessError):
            made[name] = None
    return made


def _abi(path: Path) -> Any:
    try:
        import cffi
    except ImportError:
        return None
    ffi = cffi.FFI()
    ffi.cdef(DECLARED)
    return ffi, ffi.dlopen(str(path))


def _of_ours(names: Any, shape: str) -> tuple[Any, ...]:
    """A struct is the namespace's own, as it is cffi's own there."""
    return (names.point(1, 2),) if shape == "field" else _ARGUMENTS[shape]


def _of_cffi(ffi: Any, shape: str) -> tuple[Any, ...]:
    if shape == "field":
        return (ffi.new("struct point *", (1, 2)),)
    return (ffi.from_buffer(_MEGABYTE), 1 << 20) if shape == "buffer" else _ARGUMENTS[shape]


def _peers(shape: str, path: Path, abi: Any, modules: dict[str, ModuleType | None]) -> _Measures:
    plain = getattr(ctypes.CDLL(str(path)), shape)
    plain.restype, plain.argtypes = _CTYPES[shape]
    arguments = _ARGUMENTS[shape]
    if shape == "buffer":
        arguments = ((ctypes.c_char * len(_MEGABYTE)).from_buffer(_MEGABYTE), 1 << 20)
    told: _Measures = {_CTYPES_PEER: _cost(plain, arguments)}
    if abi is not None:
        ffi, bound = abi
        told["cffi, ABI mode"] = _cost(getattr(bound, shape), _of_cffi(ffi, shape))
        api = modules["cffi, API mode"]
        if api is not None:
            told["cffi, API mode"] = _cost(getattr(api.lib, shape), _of_cffi(api.ffi, shape))
    for name in ("pybind11", "nanobind", "Cython"):
        given = ("loadstone",) if (name, shape) == ("nanobind", "size") else _ARGUMENTS[shape]
        told[f"{name}, lock kept"] = _cost(getattr(modules[name], shape, None), given)
        if shape in ("none", "number", "two"):
            told[f"{name}, lock released"] = _cost(getattr(modules[name], f"{shape}_free", None), _ARGUMENTS[shape])
    if shape == "number":
        told[_ABS] = _cost(abs, (-5,))
    return told


@contextmanager
def _built() -> Iterator[tuple[Path, Any, dict[str, ModuleType | None]]]:
    with tempfile.TemporaryDirectory() as name:
        path = library(Path(name))
        yield path, _abi(path), _modules(Path(name))


def _shapes() -> Iterator[Row]:
    with _built() as (path, abi, modules):
        unlocked, locked = (Library(str(path)).declare(DECLARED, gil=gil) for gil in _LOCK)
        for shape in SHAPES:
            measures: _Measures = {
                "released": _cost(getattr(unlocked, shape), _of_ours(unlocked, shape)),
                "kept": _cost(getattr(locked, shape), _of_ours(locked, shape)),
                **_peers(shape, path, abi, modules),
            }
            samples = alternate(measures, rounds=ROUNDS)
            released, kept = samples.pop("released"), samples.pop("kept")
            assert released is not None
            assert kept is not None
            yield Row(f"{shape}: lock released", "ns", released, samples, _BARS.get(shape, ()))
            abs_only = {name: s for name, s in samples.items() if name == _ABS}
            yield Row(
                f"{shape}: lock kept",
                "ns",
                kept,
                abs_only,
                (
                    times_of(
                        _ABS,
                        2,
                        "what is left is to take the number out of its object, check its range and make another",
                    ),
                )
                if abs_only
                else (),
            )


def _edges() -> Iterator[Row]:
    """errno, structs by value, callbacks beside ctypes and cffi's ABI mode; a namespace beside a bound function."""
    with tempfile.TemporaryDirectory() as name:
        path = library(Path(name))
        names, plain = Library(str(path)).declare(EDGES), ctypes.CDLL(str(path), use_errno=True)
        plain.swapped.argtypes, plain.swapped.restype = [_Point], _Point
        entry = ctypes.CFUNCTYPE(_I, _I)
        plain.called.argtypes = [entry, _I]
        ours = {
            "errno kept": (Library(str(path)).function("int fails(int v)", capture_errno=True), (5,)),
            "a struct in and out": (names.swapped, (names.point(x=1, y=2),)),
            "a callback's round trip": (names.called, (Library(str(path)).callback("int same(int number)", _same), 5)),
        }
        theirs = {
            "errno kept": (plain.fails, (5,)),
            "a struct in and out": (plain.swapped, (_POINT,)),
            "a callback's round trip": (plain.called, (entry(_same), 5)),
        }
        of_cffi = _edges_of_cffi(path)
        for what, (function, given) in ours.items():
            peers = {_CTYPES_PEER: _cost(*theirs[what]), "cffi, ABI mode": _cost(*of_cffi[what]) if of_cffi else None}
            bars = tuple(times_of(peer, 0.5) for peer in peers) if "callback" in what else ()
            yield _row(what, _cost(function, given), peers, bars)
        through = Timer("h.number(v)", globals={"h": names, "v": -5})
        yield _row(
            "a call through a namespace",
            lambda: 1e9 * through.timeit(NUMBER) / NUMBER,
            {_BOUND: _cost(names.number, (-5,))},
            (times_of(_BOUND, 1.3),),
        )


def _edges_of_cffi(path: Path) -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    try:
        import cffi
    except ImportError:
        return {}
    ffi = cffi.FFI()
    ffi.cdef(EDGES)
    bound = ffi.dlopen(str(path))
    return {
        "errno kept": (bound.fails, (5,)),
        "a struct in and out": (bound.swapped, (ffi.new("struct point *", (1, 2))[0],)),
        "a callback's round trip": (bound.called, (ffi.callback("int(int)", _same), 5)),
    }


def _same(number: int) -> int:
    return number


def _row(what: str, ours: Callable[[], float] | None, peers: _Measures, bars: tuple[Bar, ...]) -> Row:
    samples = alternate({"loadstone": ours, **peers}, rounds=ROUNDS)
    mine = samples.pop("loadstone")
    assert mine is not None
    return Row(what, "ns", mine, samples, bars)


def _threads() -> Iterator[Row]:
    with _built() as (path, _, _):
        number = ctypes.CDLL(str(path)).number
        number.argtypes, number.restype = [_I], _I
        ours = Library(str(path)).function(SHAPES["number"])
        samples = alternate({
            "loadstone": _in_two_threads(ours, (-5,)), _CTYPES_PEER: _in_two_threads(number, (-5,))
        }, rounds=ROUNDS)  # fmt: skip
        mine = samples.pop("loadstone")
        assert mine is not None
        yield Row("number: two threads", "ns", mine, samples)


FIGURES = (
    Figure("calls of eight shapes", _shapes),
    Figure("errno, structs, callbacks, namespaces", _edges),
    Figure("calls from two threads", _threads),
)
