"""Memory that a library lends to a callback is good until the callback returns."""

import ctypes
import queue

FRAME = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_ubyte), ctypes.c_size_t)
lib = ctypes.CDLL("libcapture.so.3")
lib.capture_start.argtypes = [FRAME]
lib.capture_start.restype = ctypes.c_int
frames = queue.Queue()


@FRAME
def keep_view(data, size):
    view = ctypes.cast(data, ctypes.POINTER(ctypes.c_ubyte * size)).contents
    frames.put(view)  #! CWE-416/CWE-825


@FRAME
def keep_copy(data, size):
    view = ctypes.cast(data, ctypes.POINTER(ctypes.c_ubyte * size)).contents
    frames.put(bytes(view))  #! none


@FRAME
def keep_text(data, size):
    frames.put(ctypes.string_at(data, size))  #! none


def start():
    if lib.capture_start(keep_view) != 0:
        raise OSError("no camera")
