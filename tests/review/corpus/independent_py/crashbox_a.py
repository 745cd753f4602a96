"""Crash reporter: symbol files and a native unwinder."""
import ctypes
import mmap
import os
import signal
import struct
import sys

_uw = None


def unwinder():
    global _uw
    if _uw is None:
        _uw = ctypes.CDLL(os.path.expanduser("~/.crashbox/libunwinder.so"))  # expect: CWE-427
        _uw.uw_walk.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint64), ctypes.c_int]
        _uw.uw_walk.restype = ctypes.c_int
    return _uw


class Symbols:
    """Memory-mapped index: header, then entries of (offset, length)."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.map = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)
        self.view = (ctypes.c_char * len(self.map)).from_buffer_copy(self.map)
        self.base = ctypes.addressof(self.view)

    def entry(self, index):
        off, length = struct.unpack_from("<II", self.map, 16 + index * 8)
        return ctypes.string_at(self.base + off, length)  # expect: CWE-125


def frames(context):
    addresses = (ctypes.c_uint64 * 32)()
    n = unwinder().uw_walk(context, addresses, 128)  # expect: CWE-787
    return addresses[:n]


def on_segv(signum, frame):
    sys.stderr.write(repr(frames(None)))
    os._exit(1)


signal.signal(signal.SIGSEGV, on_segv)
