"""Statuses that are only written down, asked the wrong way round, or asked with a value that they never have."""

import ctypes
import importlib
import logging

from cffi import FFI

ffi = FFI()
ffi.cdef("void *box_new(void); int box_run(void *); void box_free(void *);")
box = ffi.dlopen("libbox.so.1")

plain = ctypes.CDLL("libc.so.6")
libc = ctypes.CDLL("libc.so.6", use_errno=True)
com = ctypes.WinDLL("ole32")
com.CoInitializeEx.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
com.CoInitializeEx.restype = ctypes.c_long
seal = ctypes.CDLL("libseal.so.1")
seal.seal_verify.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
seal.seal_verify.restype = ctypes.c_int
seal.seal_store.argtypes = [ctypes.c_char_p]
seal.seal_store.restype = ctypes.c_int
seal.seal_keep.argtypes = [ctypes.c_char_p]
seal.seal_keep.restype = ctypes.c_int


def says(result, function, arguments):
    if result < 0:
        logging.error("%s failed", function.__name__)
    return result


def raises(result, function, arguments):
    if result < 0:
        raise OSError(function.__name__)
    return result


seal.seal_store.errcheck = says
seal.seal_keep.errcheck = raises

_engine = None
_fast = None


def only_written(data):
    code = seal.seal_verify(data, len(data))  #! CWE-252
    logging.info("verified: %d", code)
    return ctypes.CDLL("/usr/lib/app/engine.so")


def written_and_asked(data):
    code = seal.seal_verify(data, len(data))  #! none
    logging.info("verified: %d", code)
    if code:
        raise ValueError("signature")


def stored(data):
    seal.seal_store(data)  #! CWE-252
    seal.seal_keep(data)  #! none


def not_none():
    one = box.box_new()
    if one is None:  #! CWE-253
        raise MemoryError
    box.box_run(one)
    box.box_free(one)


def not_null():
    one = box.box_new()
    if one == ffi.NULL:  #! none
        raise MemoryError
    box.box_run(one)
    box.box_free(one)


def turned_round():
    if not com.CoInitializeEx(None, 0):  #! CWE-253
        raise OSError("CoInitializeEx")


def the_right_way():
    if com.CoInitializeEx(None, 0) < 0:  #! none
        raise OSError("CoInitializeEx")


def number_of_another(where):
    if plain.umount(where) != 0:
        raise OSError(ctypes.get_errno(), where)  #! CWE-252/CWE-253/CWE-391/CWE-755


def own_number(where):
    if libc.umount(where) != 0:
        raise OSError(ctypes.get_errno(), where)  #! none


def load_engine(name):
    global _engine
    try:
        _engine = importlib.import_module(name)
    except Exception:  #! CWE-390
        pass


def work(data):
    return _engine.run(data)


def load_fast(name):
    global _fast
    try:
        _fast = importlib.import_module(name)
    except Exception:  #! none
        pass


def quick(data):
    return _fast.run(data) if _fast is not None else data
