import ctypes

libc = ctypes.CDLL("libc.so.6")
libc.getenv.argtypes = [ctypes.c_char_p]  # good
libc.getenv.restype = ctypes.c_char_p
print(libc.getenv(b"HOME"))


class Image:
    def __init__(self, path):
        self._lib = ctypes.CDLL("libimage.so.3")
        opener = self._lib.image_open
        opener.argtypes = [ctypes.c_char_p]
        opener.restype = ctypes.c_void_p
        self._handle = opener(path)
        self._lib.image_close.argtypes = [ctypes.c_void_p]
        self._lib.image_close.restype = None

    def close(self):
        self._lib.image_close(self._handle)


crc32 = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_uint)(
    ("crc32", ctypes.CDLL("libz.so.1"))
)
print(crc32(0, b"abc", 3))


def sync():
    libc.sync()  # nothing goes in, nothing comes out


# lib.undeclared(pointer) in a comment is not a call
TEXT = "libc.undeclared(pointer)"
