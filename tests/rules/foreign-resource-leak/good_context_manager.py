"""Context managers that give back in a finally; a generator that is no context manager."""

import ctypes
from contextlib import contextmanager

lib = ctypes.CDLL("/opt/db/libdb.so.1")
lib.db_open.restype = ctypes.c_void_p
lib.db_close.argtypes = [ctypes.c_void_p]
lib.db_next.argtypes = [ctypes.c_void_p]


@contextmanager
def opened(name):
    handle = lib.db_open(name)
    if not handle:
        raise OSError(name)
    try:
        yield handle
    finally:
        lib.db_close(handle)


@contextmanager
def counted(lock):
    yield lock
    lock.count += 1


def rows(handle):
    while lib.db_next(handle):
        yield handle
