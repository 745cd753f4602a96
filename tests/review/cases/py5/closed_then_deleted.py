"""A reader is closed, which ends a file, and deleted, which ends the reader."""

import ctypes

lib = ctypes.CDLL("/usr/lib/reader/libreader.so.0")
lib.Reader_New.argtypes = []
lib.Reader_New.restype = ctypes.c_void_p
lib.Reader_Open.argtypes = [ctypes.c_void_p, ctypes.c_wchar_p]
lib.Reader_Open.restype = ctypes.c_size_t
lib.Reader_Close.argtypes = [ctypes.c_void_p]
lib.Reader_Close.restype = None
lib.Reader_Delete.argtypes = [ctypes.c_void_p]
lib.Reader_Delete.restype = None


def first(names):
    reader = lib.Reader_New()
    if not reader:
        raise MemoryError
    for name in names:
        if lib.Reader_Open(reader, name):
            lib.Reader_Close(reader)
    lib.Reader_Delete(reader)  #! none CWE-415 CWE-416


def twice():
    reader = lib.Reader_New()
    if not reader:
        raise MemoryError
    lib.Reader_Delete(reader)
    lib.Reader_Delete(reader)  #! CWE-415 CWE-416
