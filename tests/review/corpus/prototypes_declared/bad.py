import ctypes

lib = ctypes.CDLL("/usr/lib/libimage.so")


def open_image(name):
    handle = lib.image_open(name.encode())  # expect: CWE-686
    return handle
