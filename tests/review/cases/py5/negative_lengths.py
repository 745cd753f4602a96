"""A codec gives the bytes it wrote, or a negative number."""

import ctypes

codec = ctypes.CDLL("/usr/lib/codec/libcodec.so.1")
codec.cd_pack.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
codec.cd_pack.restype = ctypes.c_ssize_t
codec.cd_bound.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
codec.cd_bound.restype = ctypes.c_size_t


def pack(data):
    room = ctypes.create_string_buffer(len(data) + 64)
    size = codec.cd_pack(data, len(data), room, len(room))
    return room.raw[:size]  #! CWE-252


def pack_through(step, data):
    room = ctypes.create_string_buffer(len(data) + 64)
    size = step(data, len(data), room, len(room))
    return bytes(room[:size])  #! CWE-252


def pack_tested(data):
    room = ctypes.create_string_buffer(len(data) + 64)
    size = codec.cd_pack(data, len(data), room, len(room))
    if size < 0:
        raise ValueError("codec")
    return room.raw[:size]  #! none


def pack_judged(data, must):
    room = ctypes.create_string_buffer(len(data) + 64)
    size = codec.cd_pack(data, len(data), room, len(room))
    must(size, "pack")
    return room.raw[:size]  #! none


def pack_bound(data):
    room = ctypes.create_string_buffer(len(data) + 64)
    size = codec.cd_bound(data, len(data), room, len(room))
    return room.raw[:size]  #! none
