import ctypes
import os


def load(name):
    base = os.environ["APP_PLUGINS"]
    return ctypes.CDLL(os.path.join(base, "libcore.so"))  # expect: CWE-73
