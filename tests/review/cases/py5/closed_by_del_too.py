"""Sessions of a scanner: leaving the block closes, and so does the collector; one class notes that it has."""

import ctypes

lib = ctypes.CDLL("/usr/lib/scan/libscan.so.2")
lib.scan_start.argtypes = [ctypes.c_char_p]
lib.scan_start.restype = ctypes.c_void_p
lib.scan_lamp.argtypes = [ctypes.c_void_p, ctypes.c_int]
lib.scan_lamp.restype = None
lib.scan_close.argtypes = [ctypes.c_void_p]
lib.scan_close.restype = None


class Twice:
    def __init__(self, name):
        self._scan = None
        self._lamp = True
        self._scan = lib.scan_start(name)
        if not self._scan:
            raise OSError("no scanner")

    def close(self):
        if self._lamp:
            lib.scan_lamp(self._scan, 0)
        lib.scan_close(self._scan)  #! CWE-415
        self._lamp = False

    def __exit__(self, *exc):
        self.close()

    def __del__(self):
        if self._scan is not None:
            self.close()


class Once:
    def __init__(self, name):
        self._open = False
        self._scan = lib.scan_start(name)
        if not self._scan:
            raise OSError("no scanner")
        self._open = True

    def close(self):
        lib.scan_close(self._scan)  #! none CWE-415
        self._open = False

    def __exit__(self, *exc):
        self.close()

    def __del__(self):
        if getattr(self, "_open", False):
            self.close()


class Asked:
    def __init__(self, name):
        self._state = "open"
        self._scan = lib.scan_start(name)
        if not self._scan:
            raise OSError("no scanner")

    @property
    def closed(self):
        return self._state == "closed"

    def close(self):
        lib.scan_close(self._scan)  #! none CWE-415
        self._state = "closed"

    def __del__(self):
        if not self.closed:
            self.close()
