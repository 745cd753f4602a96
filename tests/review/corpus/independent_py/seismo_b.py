"""Reads samples of a digitiser; frames lie in memory that the library hands out."""
import ctypes
import threading
from typing import Optional

MAX_SAMPLES = 1 << 16


class FrameHead(ctypes.Structure):
    _fields_ = [("count", ctypes.c_uint32), ("width", ctypes.c_uint32), ("station", ctypes.c_char * 8)]


class Digitiser:
    _shared: Optional["Digitiser"] = None
    _guard = threading.Lock()

    @classmethod
    def shared(cls):
        with cls._guard:
            if cls._shared is None:
                made = cls()
                made._configure()
                cls._shared = made
            return cls._shared

    def __init__(self):
        self.lib = ctypes.CDLL("libdigit.so.2")
        self.lib.dg_frame.argtypes = [ctypes.c_int]
        self.lib.dg_frame.restype = ctypes.c_void_p
        self.lib.dg_done.argtypes = [ctypes.c_void_p]
        self.lib.dg_done.restype = None
        self.lib.dg_gain.argtypes = [ctypes.c_int, ctypes.c_double]
        self.lib.dg_gain.restype = ctypes.c_int
        self.gains = {}
        self.frames = 0
        self._lock = threading.RLock()

    def _configure(self):
        for channel in range(4):
            if self.lib.dg_gain(channel, 1.0):
                raise RuntimeError("gain")
            self.gains[channel] = 1.0

    def read(self, channel):
        raw = self.lib.dg_frame(channel)
        if not raw:
            raise TimeoutError(channel)
        try:
            head = FrameHead.from_address(raw)
            if head.count > MAX_SAMPLES or head.width not in (2, 4):
                raise ValueError("frame")
            data = ctypes.string_at(raw + ctypes.sizeof(FrameHead), head.count * head.width)
            station = head.station.decode()
        finally:
            self.lib.dg_done(raw)
        with self._lock:
            self.frames += 1
        return station, data

    def set_gain(self, channel, value):
        with self._lock:
            if self.lib.dg_gain(channel, value):
                raise RuntimeError("gain")
            self.gains[channel] = value

    def reset(self):
        with self._lock:
            self.frames = 0
            for channel in self.gains:
                self.set_gain(channel, 1.0)
