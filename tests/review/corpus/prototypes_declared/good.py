import ctypes

lib = ctypes.CDLL("/usr/lib/libimage.so")
lib.image_open.argtypes = [ctypes.c_char_p]  # evidence: type declarations
lib.image_open.restype = ctypes.c_void_p


def open_image(name):
    handle = lib.image_open(name.encode())
    return handle
