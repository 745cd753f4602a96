"""The number of a device is its owner's; what an open gave is the library's."""

import ctypes

bus = ctypes.CDLL("/usr/lib/bus/libbus.so.1")
bus.bs_begin.argtypes = [ctypes.c_ubyte]
bus.bs_begin.restype = ctypes.c_int
bus.bs_read.argtypes = [ctypes.c_ubyte]
bus.bs_read.restype = ctypes.c_int
bus.bs_close.argtypes = [ctypes.c_ubyte]
bus.bs_close.restype = None

port = ctypes.CDLL("/usr/lib/port/libport.so.1")
port.pt_open.argtypes = [ctypes.c_int]
port.pt_open.restype = ctypes.c_void_p
port.pt_read.argtypes = [ctypes.c_void_p]
port.pt_read.restype = ctypes.c_int
port.pt_close.argtypes = [ctypes.c_void_p]
port.pt_close.restype = None


class Bus:
    def __init__(self, number):
        self.number = ctypes.c_ubyte(int(number))
        if bus.bs_begin(self.number) != 0:
            raise OSError(number)

    def read(self):
        return bus.bs_read(self.number)  #! none CWE-416

    def close(self):
        bus.bs_close(self.number)


class Port:
    def __init__(self, number):
        self.handle = port.pt_open(int(number))
        if not self.handle:
            raise OSError(number)

    def read(self):
        return port.pt_read(self.handle)  #! CWE-416

    def close(self):
        port.pt_close(self.handle)
