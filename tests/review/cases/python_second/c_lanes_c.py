"""Clean: a chain of loads that fall back, tempting."""
import contextlib
import ctypes
import ctypes.util
import os
import subprocess
import sys

_NAMES = {"linux": ("liblanes.so.3", "liblanes.so.2"), "darwin": ("liblanes.3.dylib",), "win32": ("lanes-3.dll",)}


def _load():
    failures = []
    for name in _NAMES.get(sys.platform, ()):
        try:
            return ctypes.CDLL(name)  #! none
        except OSError as error:
            failures.append(str(error))
    raise ImportError("; ".join(failures) or f"not supported on {sys.platform}")


_lib = _load()
_lib.lanes_new.restype = ctypes.c_void_p
_lib.lanes_new.argtypes = []
_lib.lanes_free.argtypes = [ctypes.c_void_p]
_lib.lanes_free.restype = None
_lib.lanes_push.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
_lib.lanes_push.restype = ctypes.c_int
_lib.lanes_pop.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t)]
_lib.lanes_pop.restype = ctypes.c_int

with contextlib.suppress(AttributeError):  # since 3.1
    _lib.lanes_trim.argtypes = [ctypes.c_void_p]
    _lib.lanes_trim.restype = None


class Lanes:
    def __init__(self):
        self._handle = _lib.lanes_new()
        if not self._handle:
            raise MemoryError

    def push(self, data):
        if _lib.lanes_push(self._live(), data, len(data)) != 0:  #! none
            raise ValueError("full")

    def pop(self, most=4096):
        size = ctypes.c_size_t(most)
        buffer = ctypes.create_string_buffer(most)
        if _lib.lanes_pop(self._live(), buffer, ctypes.byref(size)) != 0:  #! none
            raise IndexError("empty")
        return buffer.raw[: min(size.value, most)]

    def trim(self):
        if hasattr(_lib, "lanes_trim"):
            _lib.lanes_trim(self._live())  #! none

    def _live(self):
        if self._handle is None:
            raise ValueError("closed")
        return self._handle

    def close(self):
        handle, self._handle = self._handle, None
        if handle is not None:
            _lib.lanes_free(handle)  #! none

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()


def tool(path):
    env = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "LD_LIBRARY_PATH")}
    return subprocess.run(["/usr/bin/lanes-info", "--", path], env=env, check=True, capture_output=True).stdout
