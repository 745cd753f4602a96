"""The thread has ended, or was never there, when the handle goes."""

import ctypes
import threading

_lib = ctypes.CDLL("libmeter.so.2")
_lib.meter_open.argtypes = []
_lib.meter_open.restype = ctypes.c_void_p
_lib.meter_close.argtypes = [ctypes.c_void_p]
_lib.meter_close.restype = None
_lib.meter_start.argtypes = [ctypes.c_void_p]
_lib.meter_start.restype = ctypes.c_int
_lib.meter_step.argtypes = [ctypes.c_void_p, ctypes.c_int]
_lib.meter_step.restype = ctypes.c_int


class Meter:
    def __init__(self):
        self._ending = threading.Event()
        self._meter = _lib.meter_open()
        if not self._meter:
            raise OSError("meter_open")
        if _lib.meter_start(self._meter) != 0:
            _lib.meter_close(self._meter)
            self._meter = None
            raise OSError("meter_start")
        self._worker = threading.Thread(target=self._run, daemon=True)
        self._worker.start()

    def _run(self):
        while not self._ending.is_set():
            if _lib.meter_step(self._meter, 50) < 0:
                break

    def close(self):
        meter, self._meter_is_gone = self._meter, True
        if meter:
            self._ending.set()
            self._worker.join()
            self._meter = None
            _lib.meter_close(meter)
