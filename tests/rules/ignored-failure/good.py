import ctypes
import logging

try:
    lib = ctypes.CDLL("/usr/lib/libfast.so")
except OSError as error:
    logging.warning("slow mode: %s", error)
    lib = None
