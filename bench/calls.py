"""One typed call, beside the same call through ctypes and cffi's ABI mode, in nanoseconds."""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from typing import Any

from bench.table import Row, per_call
from loadstone.library import Library

NUMBER = 50_000


def _cffi(declaration: str, library: str, name: str, *arguments: Any) -> float | None:
    if find_spec("cffi") is None:
        return None
    import cffi

    ffi = cffi.FFI()
    ffi.cdef(declaration)
    function = getattr(ffi.dlopen(library), name)
    return 1e9 * per_call(lambda: function(*arguments), number=NUMBER)


def _row(what: str, path: str, prototype: str, restype: Any, argtypes: list[Any], arguments: tuple[Any, ...]) -> Row:
    function = Library(path).function(prototype)
    plain = getattr(ctypes.CDLL(path), function.__name__)
    plain.restype, plain.argtypes = restype, argtypes
    return Row(
        what,
        1e9 * per_call(lambda: function(*arguments), number=NUMBER),
        "ns",
        {
            "ctypes, the same types": 1e9 * per_call(lambda: plain(*arguments), number=NUMBER),
            "cffi, ABI mode": _cffi(f"{prototype};", path, function.__name__, *arguments),
        },
        "<= 1.05 x ctypes",
    )


def run() -> list[Row]:
    c, m, z = "libc.so.6", "libm.so.6", "libz.so.1"
    size = ctypes.c_size_t
    return [
        _row("int -> int: abs", c, "int abs(int)", ctypes.c_int, [ctypes.c_int], (-5,)),
        _row("two doubles: pow", m, "double pow(double, double)", ctypes.c_double, [ctypes.c_double] * 2, (2.0, 0.5)),
        _row("bytes -> size: strlen", c, "size_t strlen(const char *)", size, [ctypes.c_char_p], (b"loadstone",)),
        _row("bytes and two numbers: crc32", z,
             "unsigned long crc32(unsigned long, const unsigned char *, unsigned int)",
             ctypes.c_ulong, [ctypes.c_ulong, ctypes.c_char_p, ctypes.c_uint], (0, b"abc", 3)),
    ]  # fmt: skip


if __name__ == "__main__":
    from bench.table import render

    print(render(run()))
