import ctypes
import threading

_lib = None
_lock = threading.Lock()


def get():
    global _lib
    if _lib is None:
        _lib = ctypes.CDLL("/usr/lib/liba.so")  # expect: CWE-362
    return _lib


def close():
    global _lib
    with _lock:
        _lib = None
