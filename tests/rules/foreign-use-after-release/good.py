import _ctypes
import ctypes

lib = ctypes.CDLL("/usr/lib/libdoc.so.1")
lib.doc_open.restype = ctypes.c_void_p
lib.doc_open.argtypes = [ctypes.c_char_p]
lib.doc_first.restype = ctypes.POINTER(ctypes.c_int)
lib.doc_first.argtypes = [ctypes.c_void_p]
lib.FT_Init_FreeType.restype = ctypes.c_int


def title(name):
    doc = lib.doc_open(name)
    try:
        return lib.doc_title(doc)
    finally:
        lib.doc_close(doc)


def first(name):
    doc = lib.doc_open(name)
    row = lib.doc_first(doc)
    value = row[0]
    lib.doc_close(doc)
    return value


def either(name, fast):
    doc = lib.doc_open(name)
    if fast:
        lib.doc_close(doc)
        return b""
    text = lib.doc_title(doc)
    lib.doc_close(doc)
    return text


def again(names):
    doc = lib.doc_open(names[0])
    lib.doc_close(doc)
    doc = lib.doc_open(names[1])
    text = lib.doc_title(doc)
    lib.doc_close(doc)
    return text


def prepare(library):
    lib.FT_Init_FreeType(library)
    return lib.FT_New_Face(library)


def device(window):
    context = lib.get_context(window)
    lib.release_context(window, context)
    return lib.window_title(window)


class Module:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)

    def drop(self):
        library, self.lib = self.lib, None
        if library is not None:
            _ctypes.dlclose(library._handle)

    def __del__(self):
        self.drop()


def load(path, table):
    module = Module(path)
    if module.lib.start() != 0:
        module.drop()
        raise OSError(path)
    table[path] = module
    return module


class Document:
    def __init__(self, name):
        self.doc = lib.doc_open(name)
        self.page = lib.page_new(self.doc)

    def close(self):
        if self.doc is not None:
            lib.page_free(self.page)
            lib.doc_close(self.doc)
            self.doc = self.page = None

    def __del__(self):
        self.close()


def fail(what):
    raise OSError(what)


def leaves(name):
    doc = lib.doc_open(name)
    if not lib.doc_valid(doc):
        lib.doc_close(doc)
        fail("doc_valid")
    text = lib.doc_title(doc)
    lib.doc_close(doc)
    return text
