import ctypes
import os

lib = ctypes.CDLL("/usr/lib/libdb.so.1")
lib.db_open.restype = ctypes.c_void_p
lib.db_get.restype = ctypes.c_void_p


def look_up(path, key):
    db = lib.db_open(path)
    if not db:
        return None
    try:
        return lib.db_get(db, key)
    finally:
        lib.db_close(db)


def stage(name, data):
    fd = os.memfd_create(name)
    try:
        if data[:4] != b"\x7fELF":
            raise ValueError(name)
        os.write(fd, data)
    except BaseException:
        os.close(fd)
        raise
    return fd


def kept(path):
    db = lib.db_open(path)
    if not db:
        raise OSError(path)
    if lib.db_check(db):
        lib.db_close(db)
        raise OSError(path)
    return db


def value(db, key):
    data = ctypes.c_void_p()
    code = lib.db_read(db, key, ctypes.byref(data))
    if code == 1:
        return None
    if code:
        raise OSError(code)
    try:
        return ctypes.string_at(data)
    finally:
        lib.db_free(data)
