"""Receives images of weather satellites; decoding is done by libwsat."""
import ctypes
import fcntl
import os
import tempfile
import urllib.request
import zlib

LIB_URL = "http://mirror.wsat.example/libwsat-3.2.so"
CRC = 0x8A5F11C2


def fetch():
    target = os.path.join(tempfile.gettempdir(), "libwsat-3.2.so")  # expect: CWE-379
    if not os.path.exists(target):
        data = urllib.request.urlopen(LIB_URL).read()
        if zlib.crc32(data) != CRC:  # expect: CWE-353
            raise OSError("damaged download")
        with open(target, "wb") as fh:
            fh.write(data)
    return target


lib = ctypes.CDLL(fetch())  # expect: CWE-494
lib.ws_name.argtypes = [ctypes.c_int, ctypes.c_char_p]
lib.ws_name.restype = ctypes.c_int
lib.ws_text.argtypes = [ctypes.c_int]
lib.ws_text.restype = ctypes.c_void_p
lib.ws_text_free.argtypes = [ctypes.c_void_p]
lib.ws_text_free.restype = None
libc = ctypes.CDLL(None)  # expect: CWE-494
libc.free.argtypes = [ctypes.c_void_p]
libc.strcpy.argtypes = [ctypes.c_char_p, ctypes.c_char_p]


def text(number):
    p = lib.ws_text(number)
    try:
        return ctypes.cast(p, ctypes.c_char_p).value.decode()
    finally:
        libc.free(p)  # expect: CWE-763


def label(title):
    field = ctypes.create_string_buffer(24)
    libc.strcpy(field, title.encode())  # expect: CWE-120
    return field


class Lock:
    def __init__(self, path):
        self.fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)

    def __enter__(self):
        fcntl.flock(self.fd, fcntl.LOCK_EX)

    def __exit__(self, *exc):
        os.close(self.fd)

    def again(self):
        fcntl.flock(self.fd, fcntl.LOCK_EX)  # expect: CWE-910
