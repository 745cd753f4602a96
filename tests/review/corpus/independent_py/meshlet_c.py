"""Mesh simplifier with library-owned memory copied before release."""
import ctypes
import ctypes.util
import os
import threading

_guard = threading.Lock()
_handle = None


def _library():
    global _handle
    with _guard:
        if _handle is None:
            lib = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "meshlet.so"))
            lib.ml_simplify.argtypes = [
                ctypes.POINTER(ctypes.c_float), ctypes.c_size_t, ctypes.c_float,
                ctypes.POINTER(ctypes.POINTER(ctypes.c_float)), ctypes.POINTER(ctypes.c_size_t),
            ]
            lib.ml_simplify.restype = ctypes.c_int
            lib.ml_free.argtypes = [ctypes.c_void_p]
            lib.ml_free.restype = None
            _handle = lib
        return _handle


def simplify(points, ratio):
    if not 0 < ratio <= 1:
        raise ValueError(ratio)
    lib = _library()
    block = (ctypes.c_float * len(points))(*points)
    out = ctypes.POINTER(ctypes.c_float)()
    count = ctypes.c_size_t()
    code = lib.ml_simplify(block, len(block), ratio, ctypes.byref(out), ctypes.byref(count))
    if code != 0:
        raise RuntimeError(f"ml_simplify: {code}")
    try:
        return out[: count.value]
    finally:
        lib.ml_free(out)
