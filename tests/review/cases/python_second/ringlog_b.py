"""Ring buffer of a kernel driver, mapped by a native helper."""
import atexit
import ctypes
import os
import struct
import threading
import weakref

_lib = ctypes.CDLL("libringlog.so.2")  #! none
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
        self._notify = NOTIFY(self._fire)
        self._lock = threading.Lock()

    def _fire(self, _context, sequence):
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(sequence)

    def subscribe(self, listener):
        with self._lock:
            self._listeners.append(listener)
        status = _lib.ring_subscribe(self._base, ctypes.cast(self._notify, ctypes.c_void_p), None)
        if status:
            raise OSError(status, "ring_subscribe")

    def record(self, offset):
        if not 0 <= offset <= self._size - HEAD.size:
            raise IndexError(offset)
        head = ctypes.string_at(self._base + offset, HEAD.size)
        kind, length = HEAD.unpack(head)
        if length > self._size - HEAD.size - offset:
            raise ValueError(length)
        return kind, ctypes.string_at(self._base + offset + HEAD.size, length)

    def close(self):
        with self._lock:
            base, self._base = self._base, None
        if base is not None:
            _lib.ring_unmap(base, self._size)  #! none
            os.close(self._fd)
