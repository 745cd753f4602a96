import ctypes
import os


def a():
    return ctypes.CDLL(os.environ.get("ENGINE") or "/usr/lib/engine.so")  # expect: CWE-114


def b():
    return ctypes.CDLL(os.environ.get("ENGINE", "/usr/lib/engine.so"))  # expect: CWE-114
