"""A session that a thread uses: it goes when the thread has ended, and not before."""

import ctypes
import threading

lib = ctypes.CDLL("libhost.so.1")
lib.ctx_new.restype = ctypes.c_void_p
lib.ctx_free.argtypes = [ctypes.c_void_p]
lib.ctx_read.argtypes = [ctypes.c_void_p]


class Waited:
    def __init__(self):
        self.session = lib.ctx_new()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.loop)
        self.thread.start()

    def loop(self):
        while not self.stop.is_set():
            lib.ctx_read(self.session)  #! none CWE-416

    def close(self):
        self.stop.set()
        self.thread.join()
        lib.ctx_free(self.session)  #! none CWE-416


class NotWaited:
    def __init__(self):
        self.session = lib.ctx_new()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.loop)
        self.thread.start()

    def loop(self):
        while not self.stop.is_set():
            lib.ctx_read(self.session)  #! CWE-416

    def close(self):
        self.stop.set()
        self.thread.join(0.5)
        lib.ctx_free(self.session)
