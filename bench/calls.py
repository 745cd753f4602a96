"""Typed calls of eight shapes, beside everybody else's, in nanoseconds; the lock kept and released; two threads.

What is timed is a loop of plain calls (timeit), the median of its rounds; nothing stands between the loop and the call.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from timeit import Timer
from types import ModuleType
from typing import Any, Final

from bench.call_peers import PEERS, SHAPES, library
from bench.table import Row
from loadstone.library import Library

NUMBER: Final = 100_000
ROUNDS: Final = 7
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


def _cost(function: Callable[..., Any] | None, arguments: tuple[Any, ...]) -> float | None:
    """Nanoseconds of one call."""
    if function is None:
        return None
    names = [f"a{i}" for i in range(len(arguments))]
    timer = Timer(f"f({', '.join(names)})", globals={"f": function, **dict(zip(names, arguments, strict=True))})
    return 1e9 * median(timer.repeat(ROUNDS, NUMBER)) / NUMBER


def _in_two_threads(function: Callable[..., Any] | None, arguments: tuple[Any, ...]) -> float | None:
    """Nanoseconds of wall time by call when two threads make them at once."""
    if function is None:
        return None

    def work() -> None:
        for _ in range(NUMBER):
            function(*arguments)

    threads = [threading.Thread(target=work) for _ in range(2)]
    begin = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1e9 * (perf_counter() - begin) / (2 * NUMBER)


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
    ffi.cdef("struct point { int x, y; };\n" + "".join(f"{p};\n" for p in SHAPES.values()))
    return ffi, ffi.dlopen(str(path))


def _of_cffi(ffi: Any, shape: str) -> tuple[Any, ...]:
    if shape == "field":
        return (ffi.new("struct point *", (1, 2)),)
    return (ffi.from_buffer(_MEGABYTE), 1 << 20) if shape == "buffer" else _ARGUMENTS[shape]


def _peers(shape: str, path: Path, abi: Any, modules: dict[str, ModuleType | None]) -> dict[str, float | None]:
    plain = getattr(ctypes.CDLL(str(path)), shape)
    plain.restype, plain.argtypes = _CTYPES[shape]
    arguments = _ARGUMENTS[shape]
    if shape == "buffer":
        arguments = ((ctypes.c_char * len(_MEGABYTE)).from_buffer(_MEGABYTE), 1 << 20)
    told: dict[str, float | None] = {"ctypes, the same types": _cost(plain, arguments)}
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
        told["built-in abs"] = _cost(abs, (-5,))
    return told


def run() -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        path = library(Path(name))
        modules, abi, ours = _modules(Path(name)), _abi(path), Library(str(path))
        for shape, prototype in SHAPES.items():
            released, kept = ours.function(prototype), ours.function(prototype, gil="keep")
            peers = _peers(shape, path, abi, modules)
            given = (_POINT,) if shape == "field" else _ARGUMENTS[shape]
            rows.append(Row(f"{shape}: lock released", _cost(released, given), "ns", peers, ">= 3 x ctypes"))
            rows.append(Row(f"{shape}: lock kept", _cost(kept, given), "ns", bar="<= 2 x abs" * (shape == "number")))
        number = ctypes.CDLL(str(path)).number
        number.argtypes, number.restype = [_I], _I
        peers = {"ctypes, the same types": _in_two_threads(number, (-5,))}
        rows.append(Row("number: two threads", _in_two_threads(ours.function(SHAPES["number"]), (-5,)), "ns", peers))
        del released, kept
    return rows


if __name__ == "__main__":
    from bench.table import render

    sys.stdout.write(render(run()) + "\n")
