"""inotify by ctypes with errno and everything closed."""
import ctypes
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_libc.inotify_init1.argtypes = [ctypes.c_int]
_libc.inotify_init1.restype = ctypes.c_int
_libc.inotify_add_watch.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]
_libc.inotify_add_watch.restype = ctypes.c_int
_HEAD = struct.Struct("iIII")


def _check(code):
    if code < 0:
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))
    return code


class Watcher:
    def __init__(self):
        self._fd = _check(_libc.inotify_init1(os.O_CLOEXEC))

    def add(self, path, mask):
        return _check(_libc.inotify_add_watch(self._fd, os.fsencode(path), mask))

    def events(self):
        data = os.read(self._fd, 65536)
        at = 0
        while at + _HEAD.size <= len(data):
            wd, mask, cookie, length = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            if length > len(data) - at:
                raise ValueError("short event")
            yield wd, mask, os.fsdecode(data[at : at + length].rstrip(b"\0"))
            at += length

    def close(self):
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
