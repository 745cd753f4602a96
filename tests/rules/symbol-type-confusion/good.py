import ctypes
import sys

lib = ctypes.CDLL("/usr/lib/libown.so.1")
other = ctypes.CDLL("/usr/lib/libother.so.1")
lib.name.restype = ctypes.c_char_p  # good
other.name.restype = ctypes.c_int
lib.size.restype = ctypes.c_size_t
if sys.maxsize < 2**32:
    lib.size.restype = ctypes.c_uint32
lib.made.restype = make_type()
lib.made.restype = ctypes.c_int


def again(number):
    lib.name.restype = ctypes.c_char_p
    return lib.name(number)


def loaded(lib):
    lib.name.restype = ctypes.c_int


def another():
    lib = ctypes.CDLL("/usr/lib/libthird.so.1")
    lib.name.restype = ctypes.c_int
    return lib


def in_turn():
    lib.pair.restype = ctypes.c_int
    first = lib.pair()
    lib.pair.restype = None
    return first
