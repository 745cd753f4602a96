"""The same codec, with each thing released once, copied before it goes, and measured before it is told."""

from .._native import ffi, lib as C


class Squeezer:
    def __init__(self, level):
        made = C.sq_new(level)
        if made == ffi.NULL:
            raise MemoryError("sq_new")
        self._state = ffi.gc(made, C.sq_free)

    def close(self):
        ffi.release(self._state)


def whole(block):
    size = ffi.new("size_t *")
    raw = C.sq_expand(ffi.from_buffer(block), len(block), size)
    if raw == ffi.NULL:
        raise ValueError("cut")
    try:
        return ffi.buffer(raw, size[0])[:]
    finally:
        C.sq_buffer_free(raw)


def from_peer(peer, length):
    data = peer.recv(length)
    if len(data) != length:
        raise EOFError(length)
    out = ffi.new("uint8_t[]", 4096)
    made = C.sq_expand_into(ffi.from_buffer(data), length, out, 4096)
    if made < 0:
        raise ValueError("damaged")
    return bytes(ffi.buffer(out, made))


def room(state, length):
    """An attribute of an object holds what it is given, as a field of a struct does not."""
    if state.out is None or len(state.out) < length:
        state.out = ffi.new("uint8_t[]", length)
    return state.out
