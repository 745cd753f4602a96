"""Joystick bridge over hidapi for the simulator; a reader thread feeds the axes."""
from ctypes import CDLL, POINTER, c_int, c_size_t, c_ubyte, c_ushort, c_void_p, c_wchar_p, create_string_buffer
from ctypes.util import find_library
import threading


class HidError(OSError):
    pass


def _bind():
    name = find_library("hidapi-hidraw")
    if name is None:
        raise HidError("hidapi is not installed")
    hid = CDLL(name)
    hid.hid_init.restype = c_int
    hid.hid_open.restype = c_void_p
    hid.hid_open.argtypes = [c_ushort, c_ushort, c_wchar_p]
    hid.hid_read_timeout.restype = c_int
    hid.hid_read_timeout.argtypes = [c_void_p, POINTER(c_ubyte), c_size_t, c_int]
    hid.hid_close.argtypes = [c_void_p]
    hid.hid_close.restype = None
    hid.hid_error.argtypes = [c_void_p]
    hid.hid_error.restype = c_wchar_p
    return hid


HID = _bind()
REPORT = 64


class Joystick:
    def __init__(self, vendor, product):
        self._device = HID.hid_open(vendor, product, None)
        if not self._device:
            raise HidError(HID.hid_error(None))
        self._axes = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()

    def _pump(self):
        report = (c_ubyte * REPORT)()
        while not self._stop.is_set():
            got = HID.hid_read_timeout(self._device, report, REPORT, 100)
            if got < 0:
                break
            with self._lock:
                for index in range(got // 2):
                    self._axes[index] = report[2 * index] | report[2 * index + 1] << 8

    def axis(self, index):
        with self._lock:
            return self._axes.get(index, 0)

    def centre(self):
        with self._lock:
            self._axes.clear()

    def close(self):
        self._stop.set()
        self._thread.join()
        device, self._device = self._device, None
        if device:
            HID.hid_close(device)
