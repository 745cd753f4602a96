import ctypes
from ctypes import POINTER

lib = ctypes.CDLL("/usr/lib/libown.so.1")
lib.name.argtypes = [ctypes.c_int]
lib.name.restype = ctypes.c_char_p


def address(number):
    lib.name.restype = POINTER(ctypes.c_char)  # bad
    return lib.name(number)
