"""Load, resolve and unload beside bare ctypes, cffi and Qt: how much the bookkeeping costs.

Ours and the peers take turns in one process, and the best round of each counts; processor time, not wall time, because
nothing waits here. So a busy machine slows all alike.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import Any

from bench.table import Row, render
from loadstone.library import Library

_SOURCE = "int answer(void) { return 42; }\n" + "".join(f"int f{n}(void) {{ return {n}; }}\n" for n in range(64))


def in_turns(
    calls: dict[str, Callable[[], object]],
    *,
    rounds: int = 25,
    number: int = 400,
    clock: Callable[[], float] = process_time,
) -> dict[str, float]:
    """Seconds of one call each: the best of ``rounds`` rounds of ``number`` calls, taken in turns."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            start = clock()
            for _ in range(number):
                call()
            best[name] = min(best[name], (clock() - start) / number)
    return best


def _library() -> str:
    folder = Path(tempfile.mkdtemp(prefix="loadstone-bench-"))
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


def _loads(path: str) -> dict[str, Callable[[], object]]:
    raw = _module("_ctypes")
    calls: dict[str, Callable[[], object]] = {
        "loadstone": lambda: Library(path).load().unload(),
        "bare dlopen and dlclose of _ctypes": lambda: raw.dlclose(raw.dlopen(path, 1)),
        "ctypes.CDLL and dlclose": lambda: raw.dlclose(ctypes.CDLL(path)._handle),
    }
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


def _resolves(path: str) -> dict[str, Callable[[], object]]:
    library, plain = Library(path).load(), ctypes.CDLL(path)

    def attribute() -> None:
        _ = plain.answer
        del plain.__dict__["answer"]  # or the second time is a look into a dictionary

    calls: dict[str, Callable[[], object]] = {
        "loadstone": lambda: library.resolve("answer"),
        "ctypes attribute": attribute,
        "ctypes item": lambda: plain["answer"],
    }
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


def _row(what: str, bar: str, times: dict[str, float], missing: tuple[str, ...]) -> Row:
    peers: dict[str, float | None] = {name: t * 1e6 for name, t in times.items() if name != "loadstone"}
    peers.update(dict.fromkeys(missing))
    return Row(what, times["loadstone"] * 1e6, "us", peers, bar)


def run() -> list[Row]:
    path = _library()
    missing = tuple(f"{name} (not installed)" for name in ("cffi", "PyQt6") if _module(name) is None)
    return [
        _row("load and unload a small library", "<= 1.5x bare dlopen/dlclose", in_turns(_loads(path)), missing),
        _row("resolve a symbol", "<= 1.5x ctypes attribute", in_turns(_resolves(path), number=4000), missing),
    ]


if __name__ == "__main__":
    print(render(run()))
