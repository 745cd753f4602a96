import ctypes
import os

lib = ctypes.CDLL("/usr/lib/libdb.so.1")
lib.db_open.restype = ctypes.c_void_p
lib.db_get.restype = ctypes.c_void_p


def look_up(path, key):
    db = lib.db_open(path)
    if not db:
        return None
    found = lib.db_get(db, key)
    if not found:
        return None  # bad
    lib.db_close(db)
    return found


def stage(name, data):
    fd = os.memfd_create(name)
    if data[:4] != b"\x7fELF":
        raise ValueError(name)  # bad
    os.write(fd, data)
    return fd


def start(service):
    handle = ctypes.c_void_p()
    code = lib.gate_start(service, ctypes.byref(handle))
    if code != 0:
        raise OSError(code)
    if lib.gate_check(handle) != 0:
        return False  # bad
    lib.gate_end(handle)
    return True
