"""Sizes that a library is told for a buffer of the object, and sizes that stand before the buffer."""

import ctypes

lib = ctypes.CDLL("/usr/lib/libmeter.so")
lib.meter_log.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
lib.meter_log.restype = ctypes.c_int
lib.meter_info.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_size_t, ctypes.c_void_p]
lib.meter_info.restype = ctypes.c_int
LOG_SIZE = 65536
KIND = 4483


class Meter:
    def __init__(self, handle):
        self._handle = handle
        self._note = ctypes.create_string_buffer(128)

    def log(self):
        return lib.meter_log(self._handle, self._note, 1024)  #! CWE-787

    def log_as_large(self):
        return lib.meter_log(self._handle, self._note, 128)  #! none CWE-787


class Growing:
    def __init__(self, handle):
        self._handle = handle
        self._note = ctypes.create_string_buffer(128)

    def grow(self):
        self._note = ctypes.create_string_buffer(4096)

    def log(self):
        return lib.meter_log(self._handle, self._note, 4096)  #! none CWE-787


def size_before(handle):
    note = ctypes.create_string_buffer(4096)
    return lib.meter_info(handle, KIND, LOG_SIZE, note)  #! CWE-787


def size_before_as_large(handle):
    note = ctypes.create_string_buffer(LOG_SIZE)
    return lib.meter_info(handle, KIND, LOG_SIZE, note)  #! none CWE-787


def number_before(handle):
    note = ctypes.create_string_buffer(64)
    return lib.meter_info(handle, 64, KIND, note)  #! none CWE-787
