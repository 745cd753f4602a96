import ctypes
import ctypes.util


def candidates():
    yield ctypes.util.find_library("magic")
    yield "libmagic.so.1"


def load():
    for name in candidates():
        if name is not None:
            return ctypes.CDLL(name)
    raise ImportError("libmagic is not there")
