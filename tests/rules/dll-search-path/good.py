import ctypes
from pathlib import Path

native = ctypes.CDLL(str(Path(__file__).resolve().parent / "libnative.so"))
native.init.argtypes = []
native.init.restype = ctypes.c_int
native.init()
