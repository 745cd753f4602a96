"""Compressed cache with a native codec; clean."""
import contextlib
import ctypes
import enum
import logging
import os
import sys
import threading
from functools import lru_cache

log = logging.getLogger(__name__)


class Status(enum.IntEnum):
    OK = 0
    SHORT = 1
    DAMAGED = 2


class CodecError(ValueError):
    def __init__(self, status):
        super().__init__(Status(status).name.lower())


@lru_cache(maxsize=1)
def _codec():
    folder = os.path.dirname(os.path.abspath(__file__))
    name = {"win32": "codec.dll", "darwin": "libcodec.dylib"}.get(sys.platform, "libcodec.so")
    lib = ctypes.CDLL(os.path.join(folder, name))
    lib.codec_bound.argtypes = [ctypes.c_size_t]
    lib.codec_bound.restype = ctypes.c_size_t
    lib.codec_pack.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t)]
    lib.codec_pack.restype = ctypes.c_int
    lib.codec_new.argtypes = []
    lib.codec_new.restype = ctypes.c_void_p
    lib.codec_free.argtypes = [ctypes.c_void_p]
    lib.codec_free.restype = None
    return lib


@contextlib.contextmanager
def session():
    lib = _codec()
    handle = lib.codec_new()
    if handle is None:
        raise MemoryError("codec_new")
    try:
        yield handle
    finally:
        lib.codec_free(handle)


def pack(data: bytes) -> bytes:
    lib = _codec()
    size = ctypes.c_size_t(lib.codec_bound(len(data)))
    if size.value > 1 << 30:
        raise CodecError(Status.SHORT)
    out = ctypes.create_string_buffer(size.value)
    status = lib.codec_pack(data, len(data), out, ctypes.byref(size))
    if status != Status.OK:
        raise CodecError(status)
    return out.raw[: min(size.value, len(out))]


class Cache:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.RLock()
        self._items: dict[str, bytes] = {}
        self._size = 0

    def put(self, key: str, data: bytes) -> None:
        packed = pack(data)
        with self._lock:
            self._drop(key)
            while self._items and self._size + len(packed) > self._limit:
                self._drop(next(iter(self._items)))
            self._items[key] = packed
            self._size += len(packed)

    def _drop(self, key: str) -> None:
        with self._lock:
            old = self._items.pop(key, None)
            if old is not None:
                self._size -= len(old)

    def get(self, key: str) -> bytes | None:
        with self._lock:
            return self._items.get(key)

    def clear(self) -> None:
        with self._lock:
            self._items.clear()
            self._size = 0
        log.debug("cleared")
