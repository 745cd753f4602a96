import ctypes
import threading

lock = threading.Lock()


def load(path):
    lock.acquire()
    library = ctypes.CDLL(path)  # bad
    lock.release()
    return library
