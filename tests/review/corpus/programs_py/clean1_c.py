"""Thin zlib wrapper with pooled streams; everything that is taken is given back."""
import contextlib
import ctypes
import ctypes.util
import queue
import weakref

_path = ctypes.util.find_library("z")
if _path is None:
    raise ImportError("zlib is missing")
_z = ctypes.CDLL(_path)
_z.gzopen.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
_z.gzopen.restype = ctypes.c_void_p
_z.gzread.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint]
_z.gzread.restype = ctypes.c_int
_z.gzclose.argtypes = [ctypes.c_void_p]
_z.gzclose.restype = ctypes.c_int
_z.zlibVersion.argtypes = []
_z.zlibVersion.restype = ctypes.c_char_p

CHUNK = 1 << 16


class GzError(Exception):
    """Raised for every failure of the library."""


def version() -> tuple[int, ...]:
    return tuple(int(part) for part in _z.zlibVersion().decode().split(".")[:3])


if version() < (1, 2, 5):
    raise ImportError("zlib is too old")


class GzFile:
    __slots__ = ("_handle", "_finalizer", "__weakref__")

    def __init__(self, path: str) -> None:
        handle = _z.gzopen(path.encode(), b"rb")
        if not handle:
            raise GzError(path)
        self._handle = handle
        self._finalizer = weakref.finalize(self, _z.gzclose, handle)

    def read(self) -> bytes:
        if not self._finalizer.alive:
            raise GzError("closed")
        buffer = ctypes.create_string_buffer(CHUNK)
        parts = []
        while True:
            got = _z.gzread(self._handle, buffer, CHUNK)
            if got < 0:
                raise GzError("damaged")
            if not got:
                return b"".join(parts)
            parts.append(ctypes.string_at(buffer, got))

    def close(self) -> None:
        self._finalizer()

    def __enter__(self) -> "GzFile":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


class Pool:
    def __init__(self, paths: list[str]) -> None:
        self._free: queue.SimpleQueue[GzFile] = queue.SimpleQueue()
        with contextlib.ExitStack() as stack:
            for path in paths:
                self._free.put(stack.enter_context(GzFile(path)))
            self._stack = stack.pop_all()

    @contextlib.contextmanager
    def one(self):
        file = self._free.get()
        try:
            yield file
        finally:
            self._free.put(file)

    def close(self) -> None:
        self._stack.close()
