"""Ring buffer of a kernel driver, mapped by a native helper."""
import atexit
import ctypes
import os
import struct
import threading
import weakref

_lib = ctypes.CDLL("libringlog.so.2")
_lib.ring_map.argtypes = [ctypes.c_int, ctypes.c_size_t]
_lib.ring_map.restype = ctypes.c_void_p
_lib.ring_unmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_lib.ring_unmap.restype = None
_lib.ring_subscribe.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
_lib.ring_subscribe.restype = ctypes.c_int
NOTIFY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32)
HEAD = struct.Struct("<II")


class Ring:
    def __init__(self, device, size):
        self._size = size
        self._fd = os.open(device, os.O_RDWR | os.O_CLOEXEC)
        self._base = _lib.ring_map(self._fd, size)
        if not self._base:
            os.close(self._fd)
            raise MemoryError(device)
        self._listeners = []
        self._notify = None
        self._lock = threading.Lock()

    def _fire(self, _context, sequence):
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(sequence)

    def subscribe(self, listener):
        with self._lock:
            self._listeners.append(listener)
        notify = NOTIFY(self._fire)
        status = _lib.ring_subscribe(self._base, ctypes.cast(notify, ctypes.c_void_p), None)  #! CWE-416
        if status:
            raise OSError(status, "ring_subscribe")

    def record(self, offset):
        head = ctypes.string_at(self._base + offset, HEAD.size)  #! CWE-125
        kind, length = HEAD.unpack(head)
        return kind, ctypes.string_at(self._base + offset + HEAD.size, length)

    def close(self):
        _lib.ring_unmap(self._base, self._size)
        os.close(self._fd)
