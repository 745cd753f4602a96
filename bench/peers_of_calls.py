"""The same eight C functions, bound by everybody who needs a compiler to bind them: built here, once, in a folder."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

__all__ = ["DECLARED", "EDGES", "PEERS", "SHAPES", "library"]

SHAPES: Final = {
    "none": "int none(void)",
    "number": "int number(int v)",
    "two": "double two(double a, double b)",
    "size": "size_t size(const char *text)",
    "six": "double six(int a, double b, long c, float d, unsigned e, double f)",
    "twelve": "double twelve(int a, double b, long c, double d, int e, double f, long g, double h, int i, double j, "
    "long k, double l)",
    "field": "int field(const struct point *p)",
    "buffer": "size_t buffer(const unsigned char *data, size_t n)",
}
EDGES: Final = """
struct point { int x, y; };
int fails(int v);
struct point swapped(struct point p);
int called(int (*f)(int), int v);
int number(int v);
"""
"""What is more than a call with numbers: errno, structs by value, a callback."""
DECLARED: Final = "struct point { int x, y; };\n" + "".join(f"{p};\n" for p in SHAPES.values())
"""All of them, as a header has them."""
_HEADER: Final = "#include <stddef.h>\n" + DECLARED
_SOURCE: Final = """
#include "shapes.h"
#include <errno.h>
#include <string.h>
int fails(int v) { errno = v; return -1; }
struct point swapped(struct point p) { struct point made = { p.y, p.x }; return made; }
int called(int (*f)(int), int v) { return f(v); }
int none(void) { return 7; }
int number(int v) { return v < 0 ? -v : v; }
double two(double a, double b) { return a * b; }
size_t size(const char *text) { return strlen(text); }
double six(int a, double b, long c, float d, unsigned e, double f) { return a + b + c + d + e + f; }
double twelve(int a, double b, long c, double d, int e, double f, long g, double h, int i, double j, long k, double l)
{ return a + b + c + d + e + f + g + h + i + j + k + l; }
int field(const struct point *p) { return p->y; }
size_t buffer(const unsigned char *data, size_t n) { return data[0] + data[n - 1]; }
"""
_BINDING: Final = """
extern "C" {
#include "shapes.h"
}
%s
#define BOTH(name, f) m.def(name, f); m.def(name "_free", f, RELEASE)
MODULE {
    BOTH("none", &none); BOTH("number", &number); BOTH("two", &two); BOTH("size", &size); BOTH("six", &six);
    BOTH("twelve", &twelve);
}
"""
_PYBIND11: Final = """
#include <pybind11/pybind11.h>
#define RELEASE pybind11::call_guard<pybind11::gil_scoped_release>()
#define MODULE PYBIND11_MODULE(by_pybind11, m)
"""
_NANOBIND: Final = """
#include <nanobind/nanobind.h>
#define RELEASE nanobind::call_guard<nanobind::gil_scoped_release>()
#define MODULE NB_MODULE(by_nanobind, m)
"""
_CYTHON: Final = """# cython: language_level=3
cdef extern from "shapes.h" nogil:
    struct point:
        int x, y
    int _none "none" ()
    int _number "number" (int v)
    double _two "two" (double a, double b)
    size_t _size "size" (const char *text)
    double _six "six" (int a, double b, long c, float d, unsigned e, double f)
    double _twelve "twelve" (int a, double b, long c, double d, int e, double f, long g, double h, int i, double j, long k, double l)
    size_t _buffer "buffer" (const unsigned char *data, size_t n)
def none(): return _none()
def number(int v): return _number(v)
def two(double a, double b): return _two(a, b)
def size(const char *text): return _size(text)
def six(int a, double b, long c, float d, unsigned e, double f): return _six(a, b, c, d, e, f)
def twelve(int a, double b, long c, double d, int e, double f, long g, double h, int i, double j, long k, double l):
    return _twelve(a, b, c, d, e, f, g, h, i, j, k, l)
def buffer(const unsigned char[:] data, size_t n): return _buffer(&data[0], n)
def number_free(int v):
    cdef int r
    with nogil: r = _number(v)
    return r
def two_free(double a, double b):
    cdef double r
    with nogil: r = _two(a, b)
    return r
"""  # noqa: E501


def library(folder: Path) -> Path:
    """The library itself."""
    (folder / "shapes.h").write_text(_HEADER)
    (folder / "shapes.c").write_text(_SOURCE)
    made = folder / "libshapes.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", made, folder / "shapes.c"], check=True)
    return made


def _module(folder: Path, name: str, compiler: list[str]) -> ModuleType:
    made = folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    subprocess.run(
        [*compiler, "-O2", "-w", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}", f"-I{folder}", "-o", made,
         f"-L{folder}", f"-Wl,-rpath,{folder}", "-lshapes"],
        check=True, capture_output=True,
    )  # fmt: skip
    found = importlib.util.spec_from_file_location(name, made)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module


def _pybind11(folder: Path) -> ModuleType:
    import pybind11

    source = folder / "by_pybind11.cpp"
    source.write_text(_BINDING % _PYBIND11)
    return _module(folder, "by_pybind11", ["g++", "-std=c++17", f"-I{pybind11.get_include()}", str(source)])


def _nanobind(folder: Path) -> ModuleType:
    import nanobind

    source = folder / "by_nanobind.cpp"
    source.write_text(_BINDING % _NANOBIND)
    home = Path(nanobind.__file__).parent
    inner = [f"-I{home / 'include'}", f"-I{home / 'ext/robin_map/include'}", str(home / "src/nb_combined.cpp")]
    flags = ["-std=c++17", "-fno-strict-aliasing", "-DNDEBUG", "-fvisibility=hidden"]
    return _module(folder, "by_nanobind", ["g++", *flags, *inner, str(source)])


def _cython(folder: Path) -> ModuleType:
    source = folder / "by_cython.pyx"
    source.write_text(_CYTHON)
    subprocess.run([sys.executable, "-m", "cython", "-3", source], check=True, capture_output=True)
    return _module(folder, "by_cython", ["gcc", str(source.with_suffix(".c"))])


def _cffi_api(folder: Path) -> ModuleType:
    import cffi

    ffi = cffi.FFI()
    ffi.cdef("struct point { int x, y; };\n" + "".join(f"{p};\n" for p in SHAPES.values()))
    ffi.set_source("by_cffi", '#include "shapes.h"')
    source = folder / "by_cffi.c"
    ffi.emit_c_code(str(source))
    return _module(folder, "by_cffi", ["gcc", str(source)])


PEERS: Final[dict[str, Callable[[Path], ModuleType]]] = {
    "cffi, API mode": _cffi_api,
    "pybind11": _pybind11,
    "nanobind": _nanobind,
    "Cython": _cython,
}
"""A peer and what builds its module; it raises ImportError or CalledProcessError where it is not to be had."""
