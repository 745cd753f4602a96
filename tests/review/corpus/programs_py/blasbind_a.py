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
    a = np.asarray(a)
    b = np.asarray(b)
    if a.size != b.size:
        raise ValueError("sizes differ")
    return _blas.cblas_ddot(a.size, a.ctypes.data, 1, b.ctypes.data, 1)  # expect: CWE-704


def scaled(values, factor):
    address = np.array(values, dtype=np.float64).ctypes.data  # expect: CWE-416
    _blas.cblas_dscal(len(values), factor, address, 1)
    return (ctypes.c_double * len(values)).from_address(address)[:]
