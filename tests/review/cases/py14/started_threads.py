"""Threads that an object starts while it is being made, and when it is."""

import ctypes
import threading

scan = ctypes.CDLL("libscan.so.1")
scan.SCNFreeHandle.argtypes = [ctypes.c_int, ctypes.c_void_p]
scan.SCNFreeHandle.restype = None


class Early:
    def __init__(self):
        self.pages = []
        self.worker = threading.Thread(target=self.work)
        self.worker.start()  #! CWE-366
        self.stop = threading.Event()

    def work(self):
        while not self._ended():
            self.pages.append(scan.scan_page())

    def _ended(self):
        return self.stop.is_set()


class Late:
    def __init__(self):
        self.pages = []
        self.stop = threading.Event()
        self.worker = threading.Thread(target=self.work)
        self.worker.start()  #! none CWE-366
        self.title = "scan"

    def work(self):
        while not self.stop.is_set():
            self.pages.append(scan.scan_page())


class Again:
    def __init__(self):
        self.pages = None
        threading.Thread(target=self.work).start()  #! none CWE-366
        self.pages = []

    def work(self):
        if self.pages is not None:
            self.pages.append(scan.scan_page())


class Handle:
    def __init__(self, handle):
        self.handle = handle

    def close(self):
        scan.SCNFreeHandle(3, self.handle)  #! CWE-415

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def page(handle):
    with Handle(handle) as one:
        one.close()
