import ctypes
from ctypes import c_char_p, c_void_p

lib = ctypes.CDLL("/usr/lib/libwords.so.1")
libc = ctypes.CDLL(None)
lib.word_version.restype = c_char_p
lib.word_close.argtypes = [c_void_p]
libc.strdup.restype = c_void_p


def version():
    return lib.word_version()


def copy(text):
    address = libc.strdup(text)
    libc.free(address)
