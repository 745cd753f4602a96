import ctypes

import cffi

ffi = cffi.FFI()
lib = ctypes.CDLL("/usr/lib/libio.so.1")
lib.io_submit.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
lib.io_wait.argtypes = []
lib.io_view.restype = ctypes.c_void_p
lib.io_release.argtypes = [ctypes.c_void_p]
_kept = []


def address():
    buffer = ctypes.create_string_buffer(64)
    _kept.append(buffer)
    return ctypes.addressof(buffer)


def row(label):
    text = ffi.new("char[]", label)
    made = ffi.new("row *")
    made.label = text
    return made, text


class Transfer:
    def begin(self, data):
        self.block = ctypes.create_string_buffer(data)
        lib.io_submit(self.block, len(data))


def whole(data):
    block = ctypes.create_string_buffer(data)
    lib.io_submit(block, len(data))
    lib.io_wait()


def numbers(count):
    where = lib.io_view()
    if not where:
        return None
    view = (ctypes.c_int * count).from_address(where)
    copied = list(view)
    lib.io_release(where)
    return copied
