"""Log ring with a writer thread and a native compressor."""
import ctypes
import threading

z = ctypes.CDLL("libringz.so")
z.rz_new.argtypes = []
z.rz_new.restype = ctypes.c_void_p
z.rz_write.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
z.rz_write.restype = ctypes.c_int
z.rz_free.argtypes = [ctypes.c_void_p]
z.rz_free.restype = None


class Ring:
    def __init__(self):
        self.lock = threading.Lock()
        self.space = threading.Condition(self.lock)
        self.items = []
        self.z = z.rz_new()
        if not self.z:
            raise MemoryError

    def put(self, item):
        self.lock.acquire()
        try:
            if len(self.items) > 1000:
                self.lock.release()
                raise OverflowError
            self.items.append(item)
        finally:
            self.lock.release()  # expect: CWE-765

    def drain(self):
        self.lock.acquire()
        batch, self.items = self.items, []
        for item in batch:
            if z.rz_write(self.z, item, len(item)):  # expect: CWE-667
                return False
        self.lock.release()
        return True

    def drop(self):
        z.rz_free(self.z)
