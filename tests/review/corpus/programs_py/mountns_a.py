"""mount(2) and umount2(2) without the mount program."""
import ctypes
import os

_libc = ctypes.CDLL("libc.so.6")
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_libc.mount.restype = ctypes.c_int
_libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
_libc.umount2.restype = ctypes.c_int

MS_BIND = 4096
MNT_DETACH = 2


def _fail(what):
    code = ctypes.get_errno()  # expect: CWE-391
    if code:
        raise OSError(code, os.strerror(code), what)


def bind(source, target):
    if _libc.mount(source.encode(), target.encode(), None, MS_BIND, None) < 0:
        _fail(f"bind {source} on {target}")


def detach(target):
    if _libc.umount2(target.encode(), MNT_DETACH) < 0:
        _fail(f"umount {target}")


class Bound:
    def __init__(self, source, target):
        self.source, self.target = source, target

    def __enter__(self):
        bind(self.source, self.target)
        return self

    def __exit__(self, *exc):
        detach(self.target)
