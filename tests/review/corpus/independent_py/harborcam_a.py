"""Harbour cameras: frames are shared memory of the driver."""
import ctypes
import threading
import time
import numpy as np


class Frame(ctypes.Structure):
    _fields_ = [("width", ctypes.c_uint32), ("height", ctypes.c_uint32), ("stride", ctypes.c_uint32), ("data", ctypes.c_void_p)]


drv = ctypes.CDLL("/opt/hcam/lib/libhcam.so")
drv.hc_open.argtypes = [ctypes.c_int]
drv.hc_open.restype = ctypes.c_void_p
drv.hc_grab.argtypes = [ctypes.c_void_p, ctypes.POINTER(Frame)]
drv.hc_grab.restype = ctypes.c_int
drv.hc_release.argtypes = [ctypes.c_void_p, ctypes.POINTER(Frame)]
drv.hc_release.restype = None
drv.hc_close.argtypes = [ctypes.c_void_p]
drv.hc_close.restype = None
drv.hc_lut.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
drv.hc_lut.restype = ctypes.c_int

_cameras = {}
_lock = threading.Lock()


def camera(number):
    if number not in _cameras:  # expect: CWE-362
        with _lock:
            _cameras[number] = drv.hc_open(number)
    return _cameras[number]


def picture(number):
    frame = Frame()
    cam = camera(number)
    if drv.hc_grab(cam, ctypes.byref(frame)):
        raise OSError("grab")
    size = frame.stride * frame.height
    pixels = np.frombuffer((ctypes.c_uint8 * size).from_address(frame.data), dtype=np.uint8)
    drv.hc_release(cam, ctypes.byref(frame))
    return pixels.reshape(frame.height, frame.stride)  # expect: CWE-672


def set_lut(number, values):
    table = np.array(values)
    if drv.hc_lut(camera(number), table.ctypes.data, table.size):  # expect: CWE-704
        raise OSError("lut")


def close(number):
    with _lock:
        drv.hc_close(_cameras[number])


def reopen(number):
    close(number)
    time.sleep(1)
    return camera(number)
