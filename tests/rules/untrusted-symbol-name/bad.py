import ctypes
import sys

lib = ctypes.CDLL("/usr/lib/libtools.so.1")


def run(name):
    function = getattr(lib, name)  # bad
    function.argtypes = []
    function.restype = ctypes.c_int
    return function()


run(sys.argv[1])
