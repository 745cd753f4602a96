"""Spectrometer driver: reads dark frames and spectra through the vendor's library."""
import array
import ctypes
import threading
import weakref

_sp = ctypes.CDLL("/opt/spectro/lib/libspectro.so.7", use_errno=True)
_sp.sp_attach.restype = ctypes.c_void_p
_sp.sp_attach.argtypes = [ctypes.c_uint]
_sp.sp_pixels.restype = ctypes.c_int
_sp.sp_pixels.argtypes = [ctypes.c_void_p]
_sp.sp_read.restype = ctypes.c_int
_sp.sp_read.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint16), ctypes.c_int]
_sp.sp_stream.restype = ctypes.c_int
_sp.sp_stream.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
_sp.sp_stop.restype = ctypes.c_int
_sp.sp_stop.argtypes = [ctypes.c_void_p]
_sp.sp_detach.restype = None
_sp.sp_detach.argtypes = [ctypes.c_void_p]


class SpectroError(OSError):
    @classmethod
    def last(cls, what):
        return cls(ctypes.get_errno(), what)


class Spectrometer:
    def __init__(self, unit):
        self._dev = _sp.sp_attach(unit)
        self._pixels = _sp.sp_pixels(self._dev)  # expect: CWE-690
        self._lock = threading.Condition()
        self._last = None
        self._finalizer = weakref.finalize(self, _sp.sp_detach, self._dev)

    def spectrum(self):
        line = (ctypes.c_uint16 * self._pixels)()
        count = _sp.sp_read(self._dev, line, self._pixels)  # expect: CWE-416
        if count < 0:
            raise SpectroError.last("read")
        with self._lock:
            self._last = list(line[:count])
            self._lock.notify_all()
        return self._last

    def forget(self):
        self._last = None  # expect: CWE-362

    def stream(self, seconds):
        block = array.array("H", bytes(2 * self._pixels * seconds))
        address, items = block.buffer_info()
        if _sp.sp_stream(self._dev, address, items * block.itemsize):  # expect: CWE-416
            raise SpectroError.last("stream")

    def close(self):
        _sp.sp_stop(self._dev)
        _sp.sp_detach(self._dev)  # expect: CWE-415
