import ctypes
from ctypes import CDLL as Library
from ctypes.util import find_library

libc = ctypes.CDLL("libc.so.6")
home = libc.getenv(b"HOME")  # bad
print(ctypes.string_at(home))

z = Library("libz.so.1")
z.zlibVersion.restype = ctypes.c_char_p
print(z.zlibVersion())


class Image:
    def __init__(self, path):
        self._lib = ctypes.CDLL("libimage.so.3")
        self._handle = self._lib.image_open(path)  # bad

    def width(self):
        return self._lib.image_width(self._handle)  # bad

    def scaled(self, factor):
        scale = getattr(self._lib, "image_scale")
        scale.restype = ctypes.c_void_p
        return scale(self._handle, factor)  # bad


def count(items):
    return ctypes.cdll.LoadLibrary("libcount.so").total(items, len(items))  # bad
