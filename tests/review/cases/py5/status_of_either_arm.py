"""One status, of one of two calls, and one test behind them."""

import ctypes

box = ctypes.CDLL("/usr/lib/keybox/libkeybox.so.0")
box.kb_named.argtypes = [ctypes.c_char_p]
box.kb_named.restype = ctypes.c_int
box.kb_default.argtypes = []
box.kb_default.restype = ctypes.c_int
box.kb_select.argtypes = [ctypes.c_int]
box.kb_select.restype = ctypes.c_int


def enter(name):
    if name:
        status = box.kb_named(name)  #! none
    else:
        status = box.kb_default()  #! none
    if status:
        raise OSError(status)


def enter_and_select(name, item):
    status = box.kb_named(name)  #! CWE-252
    status = box.kb_select(item)
    if status:
        raise OSError(status)
