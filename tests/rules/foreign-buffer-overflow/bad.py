import ctypes

import numpy as np

lib = ctypes.CDLL("/usr/lib/libpic.so.1")
libc = ctypes.CDLL(None)


class Head(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_uint32), ("title", ctypes.c_char * 16)]


def title():
    text = ctypes.create_unicode_buffer(64)
    lib.pic_title(text, ctypes.sizeof(text))  # bad
    return text.value


def port(name):
    head = Head()
    libc.strcpy(ctypes.byref(head), name)  # bad
    return head


def head(data):
    made = Head()
    ctypes.memmove(ctypes.byref(made), data, len(data))  # bad
    return made


def page(width, height):
    size = ctypes.c_uint32(width * height)  # bad
    return ctypes.create_string_buffer(size.value)


def weights(values):
    table = np.asarray(values)
    lib.pic_weights(table.ctypes.data, table.size)  # bad


def small():
    buffer = ctypes.create_string_buffer(16)
    lib.pic_name(buffer, 64)  # bad


def entry(base, offset):
    return Head.from_address(base + offset)  # bad
