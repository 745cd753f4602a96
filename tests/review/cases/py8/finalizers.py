"""Finalizers and exit functions that release a second time, or never."""

import atexit
import ctypes
import weakref

lib = ctypes.CDLL("libtrace.so.1")
lib.trace_open.restype = ctypes.c_void_p
lib.trace_open.argtypes = []
lib.trace_close.argtypes = [ctypes.c_void_p]
lib.trace_close.restype = None


class Trace:
    def __init__(self):
        self.handle = lib.trace_open()
        if not self.handle:
            raise OSError("no trace")
        atexit.register(self.close)

    def close(self):
        lib.trace_close(self.handle)  #! CWE-415


def measure():
    trace = Trace()
    trace.close()


class Guarded:
    def __init__(self):
        self.handle = lib.trace_open()
        if not self.handle:
            raise OSError("no trace")
        atexit.register(self.close)

    def close(self):
        if self.handle:
            lib.trace_close(self.handle)  #! none CWE-415
            self.handle = None


def measure_guarded():
    trace = Guarded()
    trace.close()


class Collected:
    def __init__(self):
        self.handle = lib.trace_open()
        if not self.handle:
            raise OSError("no trace")
        weakref.finalize(self, self._release)  #! CWE-401

    def _release(self):
        lib.trace_close(self.handle)


class CollectedWell:
    def __init__(self):
        self.handle = lib.trace_open()
        if not self.handle:
            raise OSError("no trace")
        weakref.finalize(self, lib.trace_close, self.handle)  #! none CWE-401
