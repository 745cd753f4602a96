import ctypes
import os

libc = ctypes.CDLL("libc.so.6")
libc.chroot.argtypes = [ctypes.c_char_p]
libc.chroot.restype = ctypes.c_int


def confine(path):
    if libc.chroot(path) < 0:
        code = ctypes.get_errno()  # bad
        raise OSError(code, os.strerror(code))
