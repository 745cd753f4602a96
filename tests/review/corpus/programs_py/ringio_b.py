"""Queue of asynchronous writes: the library keeps the address until complete."""
import ctypes


class Block(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("tag", ctypes.c_uint64)]


class Ring:
    def __init__(self, path="/usr/lib/ringio/libringio.so.1"):
        lib = ctypes.CDLL(path)
        lib.ring_new.restype = ctypes.c_void_p
        lib.ring_new.argtypes = [ctypes.c_uint]
        lib.ring_submit.argtypes = [ctypes.c_void_p, ctypes.POINTER(Block)]
        lib.ring_submit.restype = ctypes.c_int
        lib.ring_wait.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint64)]
        lib.ring_wait.restype = ctypes.c_int
        lib.ring_free.argtypes = [ctypes.c_void_p]
        lib.ring_free.restype = None
        self._lib = lib
        self._ring = lib.ring_new(64)
        if not self._ring:
            raise MemoryError("ring_new")
        self._waiting = {}
        self._next = 0

    def write(self, data):
        self._next += 1
        block = Block()
        buffer = ctypes.create_string_buffer(data, len(data))
        block.data = ctypes.addressof(buffer)
        block.size = len(data)
        block.tag = self._next
        if self._lib.ring_submit(self._ring, ctypes.byref(block)) != 0:
            raise OSError("ring_submit")
        self._waiting[self._next] = (block, buffer)
        return self._next

    def wait(self):
        tag = ctypes.c_uint64()
        if self._lib.ring_wait(self._ring, ctypes.byref(tag)) != 0:
            raise OSError("ring_wait")
        del self._waiting[tag.value]
        return tag.value

    def close(self):
        ring, self._ring = self._ring, None
        if ring:
            self._lib.ring_free(ring)
        self._waiting.clear()
