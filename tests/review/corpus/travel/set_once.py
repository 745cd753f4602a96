import ctypes
import threading

_lock = threading.Lock()
_lib = None


def load():
    global _lib
    with _lock:
        if _lib is None:
            _lib = ctypes.CDLL("/usr/lib/libx.so")
    return _lib  
