import ctypes

native = ctypes.CDLL("./build/libnative.so")  # bad
native.init.argtypes = []
native.init.restype = ctypes.c_int
native.init()
