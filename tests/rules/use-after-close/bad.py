import ctypes
import os

lib = ctypes.CDLL("/usr/lib/libdb.so.1")
lib.db_open.restype = ctypes.c_void_p


class Table:
    def __init__(self, path):
        self._db = lib.db_open(path)

    def close(self):
        lib.db_close(self._db)

    def get(self, key):
        return lib.db_get(self._db, key)  # bad


class Log:
    def __init__(self, path):
        self._fd = os.open(path, os.O_RDONLY)

    def close(self):
        os.close(self._fd)

    def read(self, size):
        return os.read(self._fd, size)  # bad
