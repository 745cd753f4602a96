"""Lengths that say more than there is room for, whoever made the buffer."""

import ctypes
import json
import struct

lib = ctypes.CDLL("libscope.so.2")
lib.scope_name.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
lib.scope_name.restype = ctypes.c_int
lib.scope_levels.argtypes = [ctypes.POINTER(ctypes.c_double), ctypes.c_int]
lib.scope_levels.restype = ctypes.c_int
lib.scope_raw.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
lib.scope_raw.restype = ctypes.c_int
lib.scope_total.argtypes = [ctypes.POINTER(ctypes.c_uint64)]
lib.scope_total.restype = ctypes.c_int
lib.scope_put.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
lib.scope_put.restype = ctypes.c_int


def room(size=32):
    return ctypes.create_string_buffer(size)


def named(number):
    text = room()
    if lib.scope_name(number, text, 128) < 0:  #! CWE-787
        raise OSError("scope_name")
    return text.value


def well_named(number):
    text = room(128)
    if lib.scope_name(number, text, 128) < 0:  #! none
        raise OSError("scope_name")
    return text.value


def channels(path):
    with open(path) as file:
        return int(json.load(file)["channels"])


def few_channels(path):
    with open(path) as file:
        count = int(json.load(file)["channels"])
    return min(count, 8)


def levels(path):
    count = channels(path)
    found = (ctypes.c_double * 8)()
    if lib.scope_levels(found, count) < 0:  #! CWE-787
        raise OSError("scope_levels")
    return list(found)


def some_levels(path):
    count = few_channels(path)
    found = (ctypes.c_double * 8)()
    if lib.scope_levels(found, count) < 0:  #! none
        raise OSError("scope_levels")
    return list(found)


def asked_levels(path):
    count = channels(path)
    if not 0 <= count <= 8:
        raise ValueError("channels")
    found = (ctypes.c_double * 8)()
    if lib.scope_levels(found, count) < 0:  #! none
        raise OSError("scope_levels")
    return list(found)


def raw_text():
    raw = (ctypes.c_ubyte * 64)()
    if lib.scope_raw(raw, ctypes.sizeof(raw)) < 0:
        raise OSError("scope_raw")
    return ctypes.string_at(ctypes.addressof(raw))  #! CWE-125


def raw_bytes():
    raw = (ctypes.c_ubyte * 64)()
    count = lib.scope_raw(raw, ctypes.sizeof(raw))
    if not 0 <= count <= 64:
        raise OSError("scope_raw")
    return ctypes.string_at(ctypes.addressof(raw), count)  #! none


def total():
    count = ctypes.c_uint32()
    place = ctypes.cast(ctypes.byref(count), ctypes.POINTER(ctypes.c_uint64))
    if lib.scope_total(place) != 0:
        raise OSError("scope_total")
    return count.value


def total_at_once():
    count = ctypes.c_uint32()
    if lib.scope_total(ctypes.cast(ctypes.byref(count), ctypes.POINTER(ctypes.c_uint64))) != 0:  #! CWE-787
        raise OSError("scope_total")
    return count.value


def whole_total():
    count = ctypes.c_uint64()
    if lib.scope_total(ctypes.cast(ctypes.byref(count), ctypes.POINTER(ctypes.c_uint64))) != 0:  #! none
        raise OSError("scope_total")
    return count.value


class Loader:
    MOST = 2048

    def __init__(self):
        self._block = ctypes.create_string_buffer(self.MOST)

    def take(self, file):
        kind, size = struct.unpack("<II", file.read(8))
        data = file.read(size)
        ctypes.memmove(self._block, data, size)  #! CWE-787
        return kind

    def take_some(self, file):
        data = file.read(2048)
        ctypes.memmove(self._block, data, len(data))  #! none

    def take_checked(self, file):
        kind, size = struct.unpack("<II", file.read(8))
        if size > self.MOST:
            raise ValueError("size")
        data = file.read(size)
        if len(data) != size:
            raise ValueError("short")
        ctypes.memmove(self._block, data, size)  #! none
        return kind


wide = ctypes.WinDLL("user32")
wide.GetWindowTextW.argtypes = [ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_int]
wide.GetWindowTextW.restype = ctypes.c_int


def letters(count):
    return ctypes.create_unicode_buffer(count)


def title(window):
    text = letters(96)
    wide.GetWindowTextW(window, text, ctypes.sizeof(text))  #! CWE-131/CWE-787
    return text.value


def whole_title(window):
    text = letters(96)
    wide.GetWindowTextW(window, text, len(text))  #! none CWE-131/CWE-787
    return text.value
