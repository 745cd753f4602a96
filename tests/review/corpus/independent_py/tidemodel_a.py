# Tide predictions; the harmonic code is Fortran behind a C shim.
from ctypes import *
from pathlib import Path
import os
import sys

_here = Path(__file__).parent
if sys.platform == "darwin":
    _shim = cdll.LoadLibrary(str(_here / "libtides.dylib"))
else:
    _shim = cdll.LoadLibrary(str(_here / "libtides.so"))

_shim.tide_station.argtypes = [c_char_p]
_shim.tide_heights.argtypes = [c_void_p, POINTER(c_double), c_size_t]
_shim.tide_heights.restype = c_int


class Station:
    def __init__(self, name):
        self.ptr = _shim.tide_station(name.encode("ascii"))  # expect: CWE-686
        if not self.ptr:
            raise KeyError(name)

    def heights(self, hours):
        out = (c_double * hours)()
        _shim.tide_heights(self.ptr, out, hours * sizeof(c_double))  # expect: CWE-252
        return list(out)
