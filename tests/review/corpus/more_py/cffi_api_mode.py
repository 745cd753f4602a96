"""Blocks of a codec that cffi has built a module for: every way to lose or overread memory of its own."""

from .._native import ffi, lib as C


class Squeezer:
    def __init__(self, level):
        made = C.sq_new(level)
        if made == ffi.NULL:
            raise MemoryError("sq_new")
        self._state = ffi.gc(made, C.sq_free)

    def close(self):
        C.sq_free(self._state)  # expect: CWE-415


def whole(block):
    """The view outlives what it looks at."""
    size = ffi.new("size_t *")
    raw = C.sq_expand(ffi.from_buffer(block), len(block), size)
    if raw == ffi.NULL:
        raise ValueError("cut")
    try:
        view = memoryview(ffi.buffer(raw, size[0]))
        return view  # expect: CWE-416
    finally:
        C.sq_buffer_free(raw)


def from_peer(peer, length):
    """What a peer sends may come in pieces."""
    data = peer.recv(length)
    out = ffi.new("uint8_t[]", 4096)
    made = C.sq_expand_into(ffi.from_buffer(data), length, out, 4096)  # expect: CWE-125
    if made < 0:
        raise ValueError("damaged")
    return bytes(ffi.buffer(out, made))


def options(words):
    made = ffi.new("struct sq_options *")
    made.words = ffi.new("char[]", words)  # expect: CWE-416
    return C.sq_apply(made)
