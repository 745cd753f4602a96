"""Context managers that give back behind the yield, which an exception of the block never reaches."""

import _ctypes
import ctypes
from contextlib import asynccontextmanager, contextmanager

lib = ctypes.CDLL("/opt/db/libdb.so.1")
lib.db_open.restype = ctypes.c_void_p
lib.db_close.argtypes = [ctypes.c_void_p]


@contextmanager
def opened(name):
    handle = lib.db_open(name)
    if not handle:
        raise OSError(name)
    yield handle
    lib.db_close(handle)  # bad


@asynccontextmanager
async def session(name):
    handle = lib.db_open(name)
    if not handle:
        raise OSError(name)
    yield handle
    lib.db_close(handle)  # bad


@contextmanager
def library(path):
    plug = ctypes.CDLL(path)
    yield plug
    _ctypes.dlclose(plug._handle)  # bad
