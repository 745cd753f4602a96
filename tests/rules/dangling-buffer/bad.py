import ctypes

import cffi

ffi = cffi.FFI()
lib = ctypes.CDLL("/usr/lib/libio.so.1")
lib.io_submit.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
lib.io_wait.argtypes = []
lib.io_view.restype = ctypes.c_void_p
lib.io_release.argtypes = [ctypes.c_void_p]


def address():
    buffer = ctypes.create_string_buffer(64)
    return ctypes.addressof(buffer)  # bad


def row(label):
    made = ffi.new("row *")
    made.label = ffi.new("char[]", label)  # bad
    return made


def begin(data):
    block = ctypes.create_string_buffer(data)
    lib.io_submit(block, len(data))  # bad


def numbers(count):
    where = lib.io_view()
    if not where:
        return None
    view = (ctypes.c_int * count).from_address(where)
    lib.io_release(where)
    return view  # bad
