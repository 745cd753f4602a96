import ctypes
from ctypes import POINTER, c_char_p, c_int, c_uint32, c_void_p

lib = ctypes.CDLL("/usr/lib/libnames.so.2")
pam = ctypes.CDLL("/usr/lib/libpam.so.0")
lib.name_of.restype = c_void_p
lib.first.restype = POINTER(c_int)
lib.seek.restype = c_uint32
lib.step.restype = c_int
lib.stop.restype = c_int
pam.pam_start.restype = c_int


def name(number):
    address = lib.name_of(number)
    return ctypes.string_at(address)  # bad


def nested(number):
    return ctypes.string_at(lib.name_of(number))  # bad


def seek(position):
    if lib.seek(position) == -1:  # bad
        raise OSError(position)


def gate(service):
    if pam.pam_start(service) < 0:  # bad
        raise OSError(service)


def both(handle):
    code = lib.step(handle)
    if code != 0:
        raise OSError(code)
    code = lib.stop(handle)  # bad
    return True


def drop(user):
    lib.setresuid(user, user, user)  # bad
