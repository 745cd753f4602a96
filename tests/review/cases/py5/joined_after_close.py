"""A reader thread of a bus: waiting for it after the handle has gone is too late."""

import ctypes
import threading

bus = ctypes.CDLL("/usr/lib/fieldbus/libfieldbus.so")
bus.fb_open.argtypes = [ctypes.c_int]
bus.fb_open.restype = ctypes.c_void_p
bus.fb_read.argtypes = [ctypes.c_void_p]
bus.fb_read.restype = ctypes.c_int
bus.fb_wake.argtypes = [ctypes.c_void_p]
bus.fb_wake.restype = None
bus.fb_close.argtypes = [ctypes.c_void_p]
bus.fb_close.restype = None


class Late:
    def __init__(self, port, sink):
        self._bus = bus.fb_open(port)
        if not self._bus:
            raise OSError("port")
        self._sink = sink
        self._ending = threading.Event()
        self._reader = threading.Thread(target=self._read)

    def _read(self):
        while not self._ending.is_set():
            self._sink(bus.fb_read(self._bus))

    def close(self):
        self._ending.set()
        if self._bus:
            bus.fb_wake(self._bus)
            bus.fb_close(self._bus)  #! CWE-416
            self._bus = None
        self._reader.join(timeout=1)


class InTime:
    def __init__(self, port, sink):
        self._bus = bus.fb_open(port)
        if not self._bus:
            raise OSError("port")
        self._sink = sink
        self._ending = threading.Event()
        self._reader = threading.Thread(target=self._read)

    def _read(self):
        while not self._ending.is_set():
            self._sink(bus.fb_read(self._bus))

    def close(self):
        self._ending.set()
        bus.fb_wake(self._bus)
        self._reader.join()
        bus.fb_close(self._bus)  #! none CWE-416
        self._bus = None
