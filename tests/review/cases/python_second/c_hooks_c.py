"""Clean: callbacks kept in a table until the library says it has let go."""
import atexit
import ctypes
import itertools
import threading
import weakref

HOOK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)
DROP = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

_lib = ctypes.CDLL("libhooks.so.1")  #! none
_lib.hooks_add.argtypes = [HOOK, DROP, ctypes.c_void_p]
_lib.hooks_add.restype = ctypes.c_int
_lib.hooks_remove.argtypes = [ctypes.c_int]
_lib.hooks_remove.restype = None
_lib.hooks_shutdown.argtypes = []
_lib.hooks_shutdown.restype = None

_kept = {}
_numbers = itertools.count(1)
_lock = threading.Lock()


@HOOK
def _fire(context, value):
    with _lock:
        target = _kept.get(context)
    if target is not None:
        target(value)


@DROP
def _drop(context):
    with _lock:
        _kept.pop(context, None)


def add(function):
    with _lock:
        number = next(_numbers)
        _kept[number] = function
    identity = _lib.hooks_add(_fire, _drop, number)
    if identity < 0:
        with _lock:
            _kept.pop(number, None)
        raise RuntimeError("no room for another hook")
    return identity


class Subscription:
    def __init__(self, function):
        self._identity = add(function)
        self._finalizer = weakref.finalize(self, _lib.hooks_remove, self._identity)

    def cancel(self):
        self._finalizer()


def _end():
    _lib.hooks_shutdown()  #! none
    with _lock:
        _kept.clear()


atexit.register(_end)
