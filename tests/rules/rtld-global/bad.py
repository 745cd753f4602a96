import ctypes
import os
from ctypes import RTLD_GLOBAL as SHARE

first = ctypes.CDLL("/usr/lib/libown.so.1", mode=ctypes.RTLD_GLOBAL)  # bad
second = ctypes.CDLL("/usr/lib/libown.so.1", os.RTLD_NOW | SHARE)  # bad
