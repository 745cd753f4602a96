"""What a ``with`` or a ``finally`` gives back is gone for whoever gets the value that is returned."""

import contextlib
import ctypes

lib = ctypes.CDLL("libtable.so.3")
lib.table_open.argtypes = [ctypes.c_char_p]
lib.table_open.restype = ctypes.c_void_p
lib.table_rows.argtypes = [ctypes.c_void_p]
lib.table_rows.restype = ctypes.c_int
lib.table_row.argtypes = [ctypes.c_void_p, ctypes.c_int]
lib.table_row.restype = ctypes.c_char_p
lib.table_close.argtypes = [ctypes.c_void_p]
lib.table_close.restype = None


def opened(name):
    handle = lib.table_open(name)
    if not handle:
        raise OSError(name)
    return handle


class View:
    def __init__(self, handle, title=""):
        self.handle = handle
        self.title = title


class Count:
    def __init__(self, handle):
        self.rows = lib.table_rows(handle)


@contextlib.contextmanager
def table(name):
    handle = opened(name)
    try:
        yield handle
    finally:
        lib.table_close(handle)


def lazy_rows(name):
    handle = opened(name)
    try:
        return (lib.table_row(handle, n) for n in range(lib.table_rows(handle)))  #! CWE-416
    finally:
        lib.table_close(handle)


def all_rows(name):
    handle = opened(name)
    try:
        return [lib.table_row(handle, n) for n in range(lib.table_rows(handle))]  #! none
    finally:
        lib.table_close(handle)


def eager_first(name):
    handle = opened(name)
    try:
        return (row.decode() for row in rows_of(handle))  #! none
    finally:
        lib.table_close(handle)


def rows_of(handle):
    return [lib.table_row(handle, n) for n in range(lib.table_rows(handle))]


def later(name):
    with contextlib.ExitStack() as stack:
        handle = opened(name)
        stack.callback(lib.table_close, handle)
        return lambda n: lib.table_row(handle, n)  #! CWE-416


def kept(name):
    with contextlib.ExitStack() as stack:
        handle = opened(name)
        stack.callback(lib.table_close, handle)
        lib.table_rows(handle)
        stack.pop_all()
        return View(handle)  #! none


def view_of(name):
    with table(name) as handle:
        return View(handle, "open")  #! CWE-416


def count_of(name):
    with table(name) as handle:
        return Count(handle)  #! none


def after(name):
    with table(name) as handle:
        rows = lib.table_rows(handle)  #! none
    return rows, lib.table_row(handle, 0)  #! CWE-416


def on_failure_only(name):
    handle = opened(name)
    good = False
    try:
        lib.table_rows(handle)
        good = True
        return View(handle)  #! none
    finally:
        if not good:
            lib.table_close(handle)
