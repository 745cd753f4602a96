"""GPIO lines; the library is found once and its absence is told."""
import ctypes
import ctypes.util
import functools


class GpioError(OSError):
    pass


@functools.cache
def _lib():
    name = ctypes.util.find_library("gpiod")
    if name is None:
        raise GpioError("libgpiod is missing")
    lib = ctypes.CDLL(name, use_errno=True)
    lib.gpiod_chip_open.argtypes = [ctypes.c_char_p]
    lib.gpiod_chip_open.restype = ctypes.c_void_p
    lib.gpiod_chip_close.argtypes = [ctypes.c_void_p]
    lib.gpiod_chip_close.restype = None
    lib.gpiod_chip_num_lines.argtypes = [ctypes.c_void_p]
    lib.gpiod_chip_num_lines.restype = ctypes.c_uint
    return lib


class Chip:
    def __init__(self, path):
        self._ptr = _lib().gpiod_chip_open(path.encode())
        if not self._ptr:
            raise GpioError(ctypes.get_errno(), path)

    def lines(self):
        if self._ptr is None:
            raise ValueError("closed chip")
        return _lib().gpiod_chip_num_lines(self._ptr)

    def close(self):
        ptr, self._ptr = self._ptr, None
        if ptr is not None:
            _lib().gpiod_chip_close(ptr)

    __enter__ = lambda self: self

    def __exit__(self, *exc):
        self.close()
