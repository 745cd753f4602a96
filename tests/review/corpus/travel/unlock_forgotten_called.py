import ctypes
import threading

_gate = threading.Lock()
_engine = None


def load(path):
    global _engine
    _gate.acquire()
    if _engine is not None:
        return _engine  # expect: CWE-667
    _engine = ctypes.CDLL(path)
    _gate.release()
    return _engine


def use():
    return load("/usr/lib/engine.so")
