"""A constructor takes a handle through a function of the file, and raises without giving it back."""

import ctypes

lib = ctypes.CDLL("/opt/db/libdb.so.1")
lib.db_open.restype = ctypes.c_void_p
lib.db_open.argtypes = [ctypes.c_char_p]
lib.db_close.argtypes = [ctypes.c_void_p]
lib.db_version.restype = ctypes.c_int
lib.db_version.argtypes = [ctypes.c_void_p]


def opened(name):
    handle = lib.db_open(name)
    if not handle:
        raise OSError(name)
    return handle


def direct(name):
    return lib.db_open(name)


class Store:
    def __init__(self, name):
        self.handle = opened(name)
        if lib.db_version(self.handle) < 3:
            raise ValueError("too old")  # bad

    def close(self):
        lib.db_close(self.handle)


class Other:
    def __init__(self, name):
        self.handle = direct(name)
        if not self.handle:
            raise OSError(name)
        if lib.db_version(self.handle) < 3:
            raise ValueError("too old")  # bad

    def close(self):
        lib.db_close(self.handle)
