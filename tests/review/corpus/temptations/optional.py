"""Loads with ctypes.CDLL(sys.argv[1])? No: only talks about it. os.system("ldd") neither."""
import ctypes
import ctypes.util


class Native:
    def __init__(self):
        name = ctypes.util.find_library("z") or "libz.so.1"
        self._lib = ctypes.CDLL(name)
        self._lib.zlibVersion.restype = ctypes.c_char_p
        self._lib.zlibVersion.argtypes = []

    def version(self):
        return self._lib.zlibVersion().decode()
