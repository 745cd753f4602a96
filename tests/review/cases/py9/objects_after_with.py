"""An object that a ``with`` has ended, and finalizers whose function has a short name."""

import _ctypes
import ctypes
import weakref

lib = ctypes.CDLL("libpane.so.4")
lib.pane_new.argtypes = []
lib.pane_new.restype = ctypes.c_void_p
lib.pane_title.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
lib.pane_title.restype = None
lib.pane_drop.argtypes = [ctypes.c_void_p]
lib.pane_drop.restype = None
lib.pane_free.argtypes = [ctypes.c_void_p]
lib.pane_free.restype = None


def made():
    pane = lib.pane_new()
    if not pane:
        raise MemoryError
    return pane


class Pane:
    def __init__(self):
        self._pane = made()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.end()

    def end(self):
        lib.pane_free(self._pane)

    @property
    def address(self):
        return self._pane

    def title(self, text):
        lib.pane_title(self.address, text)


class Asking:
    def __init__(self):
        self._pane = made()
        self._over = False

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if not self._over:
            self._over = True
            lib.pane_free(self._pane)

    def title(self, text):
        if self._over:
            raise ValueError("closed")
        lib.pane_title(self._pane, text)


def late():
    with Pane() as pane:
        pane.title(b"in time")  #! none
    pane.title(b"late")  #! CWE-416


def refused():
    with Asking() as pane:
        pane.title(b"in time")
    pane.title(b"late")  #! none


class Twice:
    def __init__(self):
        self._pane = made()
        self._ending = weakref.finalize(self, lib.pane_drop, self._pane)

    def close(self):
        lib.pane_drop(self._pane)  #! CWE-415


class Once:
    def __init__(self):
        self._pane = made()
        self._ending = weakref.finalize(self, lib.pane_drop, self._pane)

    def close(self):
        self._ending()  #! none


class Driver:
    def __init__(self, path):
        self._lib = ctypes.CDLL(path)
        self._calls = {"stop": self._lib.driver_stop, "run": self._lib.driver_run}

    def unload_first(self):
        _ctypes.dlclose(self._lib._handle)
        self._calls["stop"]()  #! CWE-416/CWE-672


class Careful:
    def __init__(self, path):
        self._lib = ctypes.CDLL(path)
        self._calls = {"stop": self._lib.driver_stop, "run": self._lib.driver_run}

    def unload_last(self):
        self._calls["stop"]()  #! none
        self._calls.clear()
        _ctypes.dlclose(self._lib._handle)
