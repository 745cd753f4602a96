import ctypes
import threading


class Channel:
    def __init__(self, name):
        self.lock = threading.Lock()
        self.name = name
        self.value = 0


lib = ctypes.CDLL("libchan.so.2")
lib.copy.argtypes = [ctypes.c_int, ctypes.c_int]
lib.copy.restype = ctypes.c_int


def exchange(a, b):
    with a.lock:
        with b.lock:  #! CWE-833
            a.value, b.value = b.value, a.value


def exchange_sorted(a, b):
    if a is b:
        return
    first, second = sorted((a, b), key=id)
    with first.lock:
        with second.lock:
            a.value, b.value = b.value, a.value


class Table:
    def __init__(self):
        self.locks = {}

    def link(self, one, other):
        with self.locks[one], self.locks[other]:  #! CWE-833
            if lib.copy(1, 2) != 0:
                raise OSError("copy")

    def link_ordered(self, one, other):
        low, high = min(one, other), max(one, other)
        with self.locks[low], self.locks[high]:
            if lib.copy(1, 2) != 0:
                raise OSError("copy")
