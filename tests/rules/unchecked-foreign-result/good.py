import ctypes
from ctypes import POINTER, c_int, c_uint32, c_void_p

lib = ctypes.CDLL("/usr/lib/libnames.so.2")
lib.name_of.restype = c_void_p
lib.first.restype = POINTER(c_int)
lib.seek.restype = c_uint32
lib.step.restype = c_int


def name(number):
    address = lib.name_of(number)
    if not address:
        raise KeyError(number)
    return ctypes.string_at(address)


def first():
    found = lib.first()
    return found.contents.value if found else None


def every():
    node = lib.first()
    while node:
        yield node.contents.value
        node = lib.first()


def other(number):
    address = lib.name_of(number)
    if address is None:
        return b""
    return ctypes.string_at(address)


def both(handle):
    code = lib.step(handle)
    if code != 0:
        raise OSError(code)
    code = lib.step(handle)
    return code == 0
