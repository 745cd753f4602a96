import ctypes

lib = ctypes.CDLL("/usr/lib/libown.so.1")
lib.name.argtypes = [ctypes.c_int]
lib.name.restype = ctypes.c_char_p


def text(number):
    return lib.name(number)


def address(number):
    lib.name.restype = ctypes.c_void_p  # expect: CWE-843
    return lib.name(number)
