import ctypes

native = ctypes.CDLL("./build/libnative.so")  # expect: CWE-427
native.init.argtypes = []
native.init.restype = ctypes.c_int
native.init()
