"""Earthquake early warning: native picker, one thread per station."""
import _ctypes
import atexit
import ctypes
import threading

_pick = ctypes.CDLL("/usr/lib/tremor/libpick.so")
CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_double)
_pick.pk_new.argtypes = []
_pick.pk_new.restype = ctypes.c_void_p
_pick.pk_feed.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_float), ctypes.c_int]
_pick.pk_feed.restype = ctypes.c_int
_pick.pk_listen.argtypes = [ctypes.c_void_p, CALLBACK]
_pick.pk_listen.restype = ctypes.c_int
_pick.pk_delete.argtypes = [ctypes.c_void_p]
_pick.pk_delete.restype = None


class Station:
    def __init__(self, source):
        self.picker = _pick.pk_new()
        if not self.picker:
            raise MemoryError
        self.source = source
        self.events = 0
        self.guard = threading.Lock()
        self.alive = True
        self.worker = threading.Thread(target=self.loop)
        self.worker.start()

    def listen(self, func):
        @CALLBACK
        def relay(_picker, when):
            func(when)

        if _pick.pk_listen(self.picker, relay):  # expect: CWE-416
            raise RuntimeError("listen")

    def loop(self):
        while self.alive:
            samples = self.source.read(100)
            block = (ctypes.c_float * len(samples))(*samples)
            if _pick.pk_feed(self.picker, block, len(samples) * 4):
                self.events += 1  # expect: CWE-567

    def take(self):
        with self.guard:
            n, self.events = self.events, 0
            return n

    def close(self):
        self.alive = False
        _pick.pk_delete(self.picker)  # expect: CWE-416


@atexit.register
def _bye():
    _ctypes.dlclose(_pick._handle)
