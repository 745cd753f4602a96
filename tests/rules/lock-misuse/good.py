import ctypes
import threading

lock = threading.Lock()


def load(path):
    lock.acquire()
    try:
        return ctypes.CDLL(path)
    finally:
        lock.release()
