"""Message socket with everything kept alive and released once."""
import ctypes
import threading
from contextlib import contextmanager

_lib = ctypes.CDLL("libmsgq.so.5")


def _proto(name, restype, *argtypes):
    func = getattr(_lib, name)
    func.restype = restype
    func.argtypes = argtypes
    return func


_new = _proto("mq_new", ctypes.c_void_p)
_end = _proto("mq_end", None, ctypes.c_void_p)
_send = _proto("mq_send", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)
_recv = _proto("mq_recv", ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class Socket:
    def __init__(self):
        self._ptr = _new()
        if not self._ptr:
            raise MemoryError
        self._lock = threading.Lock()

    def send(self, data):
        with self._lock:
            if self._ptr is None:
                raise ValueError("closed")
            if _send(self._ptr, data, len(data)) != 0:
                raise OSError("send")

    def receive(self, room=65536):
        buf = ctypes.create_string_buffer(room)
        with self._lock:
            if self._ptr is None:
                raise ValueError("closed")
            got = _recv(self._ptr, buf, room)
        if got < 0 or got > room:
            raise OSError("receive")
        return buf.raw[:got]

    def close(self):
        with self._lock:
            ptr, self._ptr = self._ptr, None
        if ptr:
            _end(ptr)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


@contextmanager
def socket():
    s = Socket()
    try:
        yield s
    finally:
        s.close()
