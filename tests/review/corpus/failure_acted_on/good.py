import ctypes
import logging

try:
    lib = ctypes.CDLL("/usr/lib/libfast.so")
except OSError as error:  # evidence: error handling
    logging.warning("slow mode: %s", error)
    lib = None
