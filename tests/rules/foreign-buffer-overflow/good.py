import ctypes

import numpy as np

lib = ctypes.CDLL("/usr/lib/libpic.so.1")


class Head(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_uint32), ("title", ctypes.c_char * 16)]


def title():
    text = ctypes.create_unicode_buffer(64)
    lib.pic_title(text, len(text))
    return text.value


def head(data):
    if len(data) > ctypes.sizeof(Head):
        raise ValueError("too long")
    made = Head()
    ctypes.memmove(ctypes.byref(made), data, len(data))
    return made


def copy(data):
    buffer = ctypes.create_string_buffer(len(data))
    ctypes.memmove(buffer, data, len(data))
    return buffer


def page(width, height):
    if width > 10_000 or height > 10_000:
        raise ValueError("too large")
    return ctypes.c_uint32(width * height)


def weights(values):
    table = np.ascontiguousarray(values, dtype=np.float64)
    lib.pic_weights(table.ctypes.data, table.size)


def entry(base, offset, size):
    if offset + ctypes.sizeof(Head) > size:
        raise ValueError(offset)
    return Head.from_address(base + offset)
