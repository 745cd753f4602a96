"""A thread is told to end and left in its last call, in two ways."""

import ctypes
import queue
import threading

_lib = ctypes.CDLL("libmeter.so.2")
_lib.meter_open.argtypes = []
_lib.meter_open.restype = ctypes.c_void_p
_lib.meter_close.argtypes = [ctypes.c_void_p]
_lib.meter_close.restype = None
_lib.meter_step.argtypes = [ctypes.c_void_p, ctypes.c_int]
_lib.meter_step.restype = ctypes.c_int


class Meter:
    def __init__(self):
        self._ending = threading.Event()
        self._meter = _lib.meter_open()
        if not self._meter:
            raise OSError("meter_open")
        self._worker = threading.Thread(target=self._run, daemon=True)
        self._worker.start()

    def _run(self):
        while not self._ending.is_set():
            if _lib.meter_step(self._meter, 50) < 0:
                break

    def close(self):
        self._ending.set()
        _lib.meter_close(self._meter)  # expect: CWE-416
        self._meter = None


class Queued:
    def __init__(self):
        self._orders = queue.Queue()
        self._meter = _lib.meter_open()
        if not self._meter:
            raise OSError("meter_open")
        threading.Thread(target=self._obey, name="meter").start()

    def _obey(self):
        while (order := self._orders.get()) is not None:
            if _lib.meter_step(self._meter, order) < 0:
                break

    def shut(self):
        if self._meter:
            print(", ".join(["closing", "meter"]))
            self._orders.put(None)
            _lib.meter_close(self._meter)  # expect: CWE-416
            self._meter = None
