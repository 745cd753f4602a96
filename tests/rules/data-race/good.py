import ctypes
import threading

_lock = threading.Lock()
_cache = {}


def get(path):
    with _lock:
        if path not in _cache:
            _cache[path] = ctypes.CDLL(path)
        return _cache[path]


def forget(path):
    with _lock:
        _cache[path] = None
