"""Copies that are held to the object's size in a variable, and a checksum of data that stays data."""

import ctypes
import zlib

codec = ctypes.CDLL("/usr/lib/libcodec.so")
codec.unpack.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]


class Record(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("value", ctypes.c_int)]


def record(data):
    made = Record()
    size = min(len(data), ctypes.sizeof(made))
    ctypes.memmove(ctypes.byref(made), data, size)  #! none CWE-787/120/119
    return made


def record_of_any_length(data):
    made = Record()
    ctypes.memmove(ctypes.byref(made), data, len(data))  #! CWE-787/120/119
    return made


def block(packed, size, crc):
    out = ctypes.create_string_buffer(size)
    if codec.unpack(packed, out, len(packed), size) != size:
        raise ValueError("short block")
    if zlib.crc32(out.raw) != crc:  #! none CWE-353
        raise ValueError("damaged block")
    return out.raw
