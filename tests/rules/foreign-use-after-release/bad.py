import _ctypes
import atexit
import ctypes

from cffi import FFI

lib = ctypes.CDLL("/usr/lib/libdoc.so.1")
lib.doc_open.restype = ctypes.c_void_p
lib.doc_open.argtypes = [ctypes.c_char_p]
lib.doc_first.restype = ctypes.POINTER(ctypes.c_int)
lib.doc_first.argtypes = [ctypes.c_void_p]
lib.page_new.restype = ctypes.c_void_p
lib.page_new.argtypes = [ctypes.c_void_p]


def title(name):
    doc = lib.doc_open(name)
    lib.doc_close(doc)
    return lib.doc_title(doc)  # bad


def first(name):
    doc = lib.doc_open(name)
    row = lib.doc_first(doc)
    lib.doc_close(doc)
    return row[0]  # bad


def twice(name):
    doc = lib.doc_open(name)
    try:
        lib.doc_title(doc)
    finally:
        lib.doc_close(doc)
    lib.doc_close(doc)  # bad


def unload(path):
    plugin = ctypes.CDLL(path)
    _ctypes.dlclose(plugin._handle)
    plugin.plugin_exit()  # bad


def falls_through(name):
    doc = lib.doc_open(name)
    if not lib.doc_valid(doc):
        lib.doc_close(doc)
        print("doc_valid")
    return lib.doc_title(doc)  # bad


class Module:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)

    def drop(self):
        _ctypes.dlclose(self.lib._handle)


def load(path, table):
    module = Module(path)
    if module.lib.start() != 0:
        module.drop()
        table[path] = module  # bad
    return module


class Document:
    def __init__(self, name):
        self.doc = lib.doc_open(name)
        self.page = lib.page_new(self.doc)

    def close(self):
        lib.doc_close(self.doc)  # bad
        lib.page_free(self.page)  # bad

    def __del__(self):
        self.close()

    def last(self):
        self.close()
        return lib.doc_title(self.doc)  # bad


ffi = FFI()
ffi.cdef("void *ring_new(void); void ring_free(void *r);")
ring = ffi.dlopen("libring.so.1")


def make():
    return ffi.gc(ring.ring_new(), ring.ring_free)


@atexit.register
def finish():
    ffi.dlclose(ring)  # bad
