"""cblas through ctypes, for arrays of any origin."""
import ctypes
import ctypes.util

import numpy as np

_blas = ctypes.CDLL(ctypes.util.find_library("openblas") or "libopenblas.so.0")
_blas.cblas_ddot.restype = ctypes.c_double
_blas.cblas_ddot.argtypes = [
    ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
_blas.cblas_dscal.restype = None
_blas.cblas_dscal.argtypes = [ctypes.c_int, ctypes.c_double, ctypes.c_void_p, ctypes.c_int]


def dot(a, b):
    a = np.ascontiguousarray(a, dtype=np.float64)
    b = np.ascontiguousarray(b, dtype=np.float64)
    if a.size != b.size:
        raise ValueError("sizes differ")
    return _blas.cblas_ddot(a.size, a.ctypes.data, 1, b.ctypes.data, 1)


def scaled(values, factor):
    array = np.array(values, dtype=np.float64)
    _blas.cblas_dscal(array.size, factor, array.ctypes.data, 1)
    return array.tolist()
