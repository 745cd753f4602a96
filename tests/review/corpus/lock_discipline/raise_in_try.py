import ctypes
import threading
lock = threading.Lock()
lib = ctypes.CDLL("/usr/lib/x.so")
cache = {}


def one(name):
    lock.acquire()
    try:
        if lib is None:
            raise KeyError(1)
        return cache[name]
    finally:
        lock.release()


def two(name):
    lock.acquire()
    try:
        try:
            return cache[name]
        except AttributeError:
            raise KeyError(2)
    finally:
        lock.release()


def three(name):
    lock.acquire()
    try:
        raise KeyError(1)
    finally:
        lock.release()


def four(name):
    lock.acquire()
    if name not in cache:
        raise KeyError(name)  # expect: CWE-667
    lock.release()
    return cache[name]
