import ctypes, threading
a = threading.Lock(); b = threading.Lock()
lib = ctypes.CDLL("libx.so.1")
lib.f.argtypes = []; lib.f.restype = ctypes.c_int
def one():
    with a:
        with b:
            return lib.f()
def two():
    with b:
        if not a.acquire(blocking=False): #! none CWE-833
            return None
        try:
            return lib.f()
        finally:
            a.release()
