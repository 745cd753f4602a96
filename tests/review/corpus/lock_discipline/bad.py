import ctypes
import threading

lock = threading.Lock()


def load(path):
    lock.acquire()
    library = ctypes.CDLL(path)  # expect: CWE-667
    lock.release()
    return library
