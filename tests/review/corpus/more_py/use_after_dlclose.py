import _ctypes
import ctypes

lib = ctypes.CDLL("/usr/lib/liba.so")
lib.run.argtypes = []
lib.run.restype = ctypes.c_int
lib.run()
_ctypes.dlclose(lib._handle)
lib.run()  # expect: CWE-416
