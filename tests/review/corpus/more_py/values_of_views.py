"""What a method of a structure gives is a value of its own; text read through a cast is a copy."""

import ctypes
from ctypes.wintypes import LPCWSTR

import numpy as np

lib = ctypes.CDLL("/usr/lib/libnode.so.1")
lib.node_free.argtypes = [ctypes.c_void_p]
lib.node_free.restype = None
lib.node_fill.argtypes = [ctypes.c_void_p]
lib.node_fill.restype = None
lib.folder.argtypes = [ctypes.c_wchar_p, ctypes.c_int]
lib.folder.restype = None


class Node(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("size", ctypes.c_int), ("rows", ctypes.c_void_p)]

    def python(self):
        return self.kind


def value():
    out = ctypes.pointer(Node())
    lib.node_fill(out)
    found = out.contents.python()
    lib.node_free(out)
    return found


def folder():
    buffer = ctypes.create_unicode_buffer(260)
    lib.folder(buffer, 260)
    return ctypes.cast(buffer, LPCWSTR).value


def rows(node):
    seen = np.frombuffer(node.contents.rows, dtype="f8").reshape(-1, 3)
    lib.node_free(node)
    return seen.sum()  # expect: CWE-672
