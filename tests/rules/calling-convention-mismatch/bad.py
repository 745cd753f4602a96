import ctypes

Done = ctypes.WINFUNCTYPE(None, ctypes.c_int)
A, B = 1, 2


class Host:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)

    def watch(self, function):
        self.done = Done(function)
        done = Done(function)
        self.lib.on_done(done)  # bad


def read(head, ffi):
    if head.kind == A:
        record = ffi.cast("struct a *", head)
    else:
        record = ffi.cast("struct b *", head)  # bad
    return record
