import ctypes

lib = None
try:
    lib = ctypes.CDLL("/usr/lib/libfast.so")
except OSError:  # expect: CWE-390
    pass
