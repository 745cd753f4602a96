"""A descriptor that foreign code gives is negative when there is none: nothing has to be given back then."""

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_watch = _libc.inotify_init1
_watch.argtypes = [ctypes.c_int]
_watch.restype = ctypes.c_int


def watch(size):
    fd = _watch(0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1")  #! none CWE-775
    if size < 1:
        raise ValueError(size)  #! CWE-775 CWE-772
    try:
        os.set_blocking(fd, False)
    except OSError:
        os.close(fd)
        raise
    return fd


def watch_or_none():
    fd = _watch(0)
    if fd == -1:
        return None  #! none CWE-775
    try:
        os.set_blocking(fd, False)
    except OSError:
        os.close(fd)
        raise
    return fd
