import ctypes

Done = ctypes.CFUNCTYPE(None, ctypes.c_int)
A, B = 1, 2


class Host:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)

    def watch(self, function):
        self.done = Done(function)
        self.lib.on_done(self.done)


def read(head, ffi):
    if head.kind == A:
        record = ffi.cast("struct a *", head)
    elif head.kind == B:
        record = ffi.cast("struct b *", head)
    else:
        raise ValueError(head.kind)
    return record
