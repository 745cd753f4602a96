"""Members that hold ctypes objects say their own type; a plain number does not."""

import ctypes

driver = ctypes.CDLL("/usr/lib/bus/driver.so")
driver.busOpen.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
driver.busOpen.restype = ctypes.c_int
driver.busRead.restype = ctypes.c_int
driver.busSeek.restype = ctypes.c_int
driver.busFill.restype = ctypes.c_int


class Bus:
    def __init__(self, name, start):
        self.handle = ctypes.c_ulong()
        self.start = start
        if driver.busOpen(name, ctypes.byref(self.handle)) != 0:
            raise OSError("no bus")

    def read(self):
        message = ctypes.create_string_buffer(16)
        if driver.busRead(self.handle, ctypes.byref(message)) != 0:  #! none CWE-686
            raise OSError("nothing read")
        return message.raw

    def seek(self):
        if driver.busSeek(self.handle, self.start) != 0:  #! CWE-686
            raise OSError("no such place")

    def fill(self):
        message = ctypes.create_string_buffer(16)
        return driver.busFill(ctypes.byref(message), ctypes.sizeof(message))  #! none CWE-686
