import ctypes

first = ctypes.CDLL("/usr/lib/libown.so.1", ctypes.RTLD_LOCAL)  # good
second = ctypes.CDLL("/usr/lib/libown.so.1")
program = ctypes.CDLL(None, ctypes.RTLD_GLOBAL)
