"""Sections of a firmware file: who says how much memory they take."""

import ctypes
import struct

HEAD = struct.Struct("<4sII")
SHORT = struct.Struct("<4sIH")
MOST = 1 << 20

burner = ctypes.CDLL("/usr/lib/burner/libburner.so.1")
burner.bn_section.argtypes = [ctypes.c_uint, ctypes.c_char_p, ctypes.c_size_t]
burner.bn_section.restype = ctypes.c_int


def blank(data):
    _magic, address, size = HEAD.unpack_from(data)
    status = burner.bn_section(address, bytes(size), size)  #! CWE-789
    if status != 0:
        raise OSError(address)


def room(data):
    size = struct.unpack("<Q", data[:8])[0]
    return ctypes.create_string_buffer(size + 1)  #! CWE-789


def blank_limited(data):
    _magic, address, size = HEAD.unpack_from(data)
    if size > MOST:
        raise ValueError(size)
    if burner.bn_section(address, bytes(size), size) != 0:  #! none CWE-789
        raise OSError(address)


def blank_short(data):
    _magic, _address, size = SHORT.unpack_from(data)
    return bytes(size)  #! none CWE-789


def copied(data):
    _magic, first, last = HEAD.unpack_from(data)
    return bytes(data[first:last])  #! none CWE-789


def of_two(data):
    _magic, first, _last = HEAD.unpack_from(data)
    return bytes([first & 255])  #! none CWE-789
