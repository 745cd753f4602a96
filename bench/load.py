"""Load, resolve and unload beside bare ctypes, cffi and Qt: how much the bookkeeping costs.

Processor time, not wall time, because nothing waits here.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.figure import Bar, Figure, Row, beside, each_call, times_of
from loadstone.library import Library

_BARE = "dlopen and dlclose of _ctypes"
_WHY = (
    "about 100 Python calls stand beside two of the system: the file's identity, who may write to it, who holds it, "
    "whether it is really gone; a record in C would bring it down"
)
_SOURCE = "int answer(void) { return 42; }\n" + "".join(f"int f{n}(void) {{ return {n}; }}\n" for n in range(64))


def small_library(folder: Path) -> str:
    """A library of a few small functions, compiled."""
    source = folder / "small.c"
    source.write_text(_SOURCE)
    target = folder / "libsmall.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(target), str(source)], check=True)
    return str(target)


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


def _loads(path: str) -> dict[str, Callable[[], object] | None]:
    raw = _module("_ctypes")
    calls: dict[str, Callable[[], object] | None] = {
        "loadstone": lambda: Library(path).load().unload(),
        _BARE: lambda: raw.dlclose(raw.dlopen(path, 1)),
        "ctypes.CDLL and dlclose": lambda: raw.dlclose(ctypes.CDLL(path)._handle),
    }
    calls |= dict.fromkeys(("cffi dlopen and dlclose", "PyQt6 QLibrary load and unload"))
    cffi = _module("cffi")
    if cffi is not None:
        ffi = cffi.FFI()
        calls["cffi dlopen and dlclose"] = lambda: ffi.dlclose(ffi.dlopen(path))
    core = _module("PyQt6.QtCore")
    if core is not None:

        def qt() -> object:
            library = core.QLibrary(path)
            return library.load() and library.unload()

        calls["PyQt6 QLibrary load and unload"] = qt
    return calls


def _resolves(path: str) -> dict[str, Callable[[], object] | None]:
    library, plain = Library(path).load(), ctypes.CDLL(path)

    def attribute() -> None:
        _ = plain.answer
        del plain.__dict__["answer"]  # or the second time is a look into a dictionary

    calls: dict[str, Callable[[], object] | None] = {
        "loadstone": lambda: library.resolve("answer"),
        "ctypes attribute": attribute,
        "ctypes item": lambda: plain["answer"],
    }
    calls |= dict.fromkeys(("cffi addressof", "PyQt6 QLibrary resolve"))
    cffi = _module("cffi")
    if cffi is not None:
        ffi = cffi.FFI()
        ffi.cdef("int answer(void);")
        calls["cffi addressof"] = lambda: ffi.addressof(ffi.dlopen(path), "answer")
    core = _module("PyQt6.QtCore")
    if core is not None:
        theirs = core.QLibrary(path)
        theirs.load()
        calls["PyQt6 QLibrary resolve"] = lambda: theirs.resolve("answer")
    return calls


def _rows(
    what: str, calls: Callable[[str], dict[str, Callable[[], object] | None]], number: int, bar: Bar
) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="loadstone-bench-") as folder:
        measures = {name: call and each_call(call, number) for name, call in calls(small_library(Path(folder))).items()}
        ours = measures.pop("loadstone")
        assert ours is not None
        yield beside(what, "us", ours, measures, (bar,), scale=1e6, rounds=15)


FIGURES = (
    Figure(
        "load and unload", partial(_rows, "load and unload a small library", _loads, 400, times_of(_BARE, 1.5, _WHY))
    ),
    Figure("resolve", partial(_rows, "resolve a symbol", _resolves, 4000, times_of("ctypes attribute", 1.5))),
)
