"""Step counter: reads a wrist device; the vendor code calls back from its own thread."""
import ctypes
import functools
import os
import threading
import time

_wk = ctypes.CDLL(os.path.join(os.path.dirname(__file__), "libwk.so"))
STEP = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint)
_wk.wk_connect.argtypes = [ctypes.c_char_p]
_wk.wk_connect.restype = ctypes.c_void_p
_wk.wk_register.argtypes = [ctypes.c_void_p, STEP, ctypes.py_object]
_wk.wk_register.restype = ctypes.c_int
_wk.wk_disconnect.argtypes = [ctypes.c_void_p]
_wk.wk_disconnect.restype = None
_wk.wk_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_wk.wk_name.restype = ctypes.c_int

total = 0
total_lock = threading.Lock()


def _count(dev, steps):
    global total
    total += steps
    return 0


def watch(address):
    dev = _wk.wk_connect(address.encode())
    _wk.wk_register(dev, STEP(functools.partial(_count)), None)  # expect: CWE-416 CWE-690
    return dev


def reset():
    global total
    with total_lock:
        total = 0


def name(dev):
    buf = ctypes.create_string_buffer(8)
    _wk.wk_name(dev, buf)  # expect: CWE-252
    return buf.value.decode()


def session(address, seconds):
    dev = watch(address)
    time.sleep(seconds)
    _wk.wk_disconnect(dev)
    return name(dev)  # expect: CWE-416
