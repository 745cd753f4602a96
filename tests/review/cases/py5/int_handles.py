"""A mixer's channels are pointers; where no result is declared, ctypes makes an int of one."""

import ctypes


def bind():
    lib = ctypes.CDLL("/usr/lib/mixer/libmixer.so.4")
    lib.mx_channel.argtypes = [ctypes.c_int]
    lib.mx_bus.argtypes = [ctypes.c_int]
    lib.mx_bus.restype = ctypes.c_void_p
    lib.mx_number.argtypes = [ctypes.c_char_p]
    lib.mx_mute.argtypes = [ctypes.c_void_p, ctypes.c_int]
    lib.mx_mute.restype = None
    return lib


class Channel:
    def __init__(self, lib, number):
        self._lib = lib
        self._channel = self._lib.mx_channel(number)  #! CWE-686
        if not self._channel:
            raise OSError(number)

    def mute(self):
        self._lib.mx_mute(self._channel, 1)


class Bus:
    def __init__(self, lib, number):
        self._lib = lib
        self._channel = self._lib.mx_bus(number)  #! none CWE-686
        if not self._channel:
            raise OSError(number)

    def mute(self, name):
        number = self._lib.mx_number(name)  #! none CWE-686
        self._lib.mx_mute(self._channel, number)
