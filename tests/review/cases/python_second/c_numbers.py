"""Clean: a path that grows by its separator, pointers of an array, a version that is only warned about."""

import ctypes
import os
import warnings

import numpy as np

lib = ctypes.CDLL("libnumbers.so.1")
lib.version.argtypes = []
lib.version.restype = ctypes.c_int

if hasattr(os, "add_dll_directory"):
    os.environ["PATH"] += ";C:\\tools\\numbers\\bin"  #! none


def _check_version() -> bool:
    found = lib.version()
    if found < 116:
        warnings.warn(f"version {found} is old", RuntimeWarning, stacklevel=2)
        return False
    return True


_check_version()  #! none


def texts(array, lengths, count):
    pointers = np.frombuffer(array, dtype=np.uintp, count=count)
    return [ctypes.string_at(int(pointers[i]), int(lengths[i])) for i in range(count)]  #! none


_mf = ctypes.OleDLL("mfplat.dll")
_mf.MFCreateMediaType.argtypes = [ctypes.c_void_p]
_mf.MFCreateMediaType.restype = ctypes.HRESULT


def media_type():
    made = ctypes.c_void_p()
    _mf.MFCreateMediaType(ctypes.byref(made))  #! none
    return made
