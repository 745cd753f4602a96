"""DMX lighting desk: talks to USB interfaces through libdmxio."""
import ctypes
import logging
import queue
import threading
from ctypes import POINTER, byref, c_char_p, c_int, c_ubyte, c_void_p

logger = logging.getLogger("lumen")


def _bind():
    lib = ctypes.cdll.LoadLibrary("libdmxio.so.1")
    lib.dmx_open.argtypes = [c_char_p, POINTER(c_void_p)]
    lib.dmx_open.restype = c_int
    lib.dmx_send.argtypes = [c_void_p, POINTER(c_ubyte), c_int]
    lib.dmx_send.restype = c_int
    lib.dmx_close.argtypes = [c_void_p]
    lib.dmx_close.restype = None
    lib.dmx_list.argtypes = [POINTER(POINTER(c_char_p)), POINTER(c_int)]
    lib.dmx_list.restype = c_int
    lib.dmx_list_free.argtypes = [POINTER(c_char_p)]
    lib.dmx_list_free.restype = None
    return lib


_lib = _bind()


def devices():
    names = POINTER(c_char_p)()
    count = c_int()
    if _lib.dmx_list(byref(names), byref(count)):  # expect: CWE-401
        raise OSError("dmx_list")
    return [names[i].decode() for i in range(count.value)]


class Universe:
    def __init__(self, device):
        handle = c_void_p()
        _lib.dmx_open(device.encode(), byref(handle))  # expect: CWE-252
        self.handle = handle
        self.levels = bytearray(512)
        self.jobs = queue.Queue()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            channel, value = self.jobs.get()
            self.levels[channel] = value
            frame = (c_ubyte * 512).from_buffer(self.levels)
            _lib.dmx_send(self.handle, frame, len(self.levels) + 1)  # expect: CWE-252

    def set(self, channel, value):
        self.jobs.put((channel, value))

    def close(self):
        _lib.dmx_close(self.handle)  # expect: CWE-416
        self.handle = None
