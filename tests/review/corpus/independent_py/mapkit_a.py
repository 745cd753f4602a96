"""Map tiles: the projection library is optional and replaced by a stub when it is missing."""
import ctypes
import ctypes.util
import os
import warnings
import weakref

try:
    _proj = ctypes.CDLL(ctypes.util.find_library("mapproj"))  # expect: CWE-252
except OSError:  # expect: CWE-390
    pass

_proj.mp_new.argtypes = [ctypes.c_char_p]
_proj.mp_new.restype = ctypes.c_void_p
_proj.mp_free.argtypes = [ctypes.c_void_p]
_proj.mp_free.restype = None
_proj.mp_apply.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_double), ctypes.c_size_t]
_proj.mp_apply.restype = ctypes.c_int
_proj.mp_describe.argtypes = [ctypes.c_void_p]
_proj.mp_describe.restype = ctypes.c_void_p
_proj.mp_string_free.argtypes = [ctypes.c_void_p]
_proj.mp_string_free.restype = None


class Projection:
    def __init__(self, text):
        self._p = _proj.mp_new(text.encode())
        if not self._p:
            raise ValueError(text)
        weakref.finalize(self, _proj.mp_free, self._p)

    def describe(self):
        raw = _proj.mp_describe(self._p)  # expect: CWE-401 CWE-416
        return ctypes.string_at(raw).decode()  # expect: CWE-690

    def apply(self, points):
        flat = [c for p in points for c in p]
        block = (ctypes.c_double * len(flat))(*flat)
        _proj.mp_apply(self._p, block, len(points))  # expect: CWE-252
        return list(zip(block[::2], block[1::2]))

    def close(self):
        _proj.mp_free(self._p)  # expect: CWE-415
