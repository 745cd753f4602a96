"""Ask NSS modules directly: nssquery MODULE USER."""
import ctypes
import os
import pwd
import re
import sys


class Passwd(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p), ("passwd", ctypes.c_char_p), ("uid", ctypes.c_uint32), ("gid", ctypes.c_uint32),
        ("gecos", ctypes.c_char_p), ("home", ctypes.c_char_p), ("shell", ctypes.c_char_p),
    ]


def module(name):
    if not re.match(r"[a-z]+", name):
        raise SystemExit("module name")
    try:
        return ctypes.CDLL(f"/usr/lib/libnss_{name}.so.2")  # expect: CWE-22
    except OSError:
        return None


def lookup(name, user):
    library = module(name)
    function = getattr(library, f"_nss_{name}_getpwnam_r")  # expect: CWE-20 CWE-690
    function.argtypes = [ctypes.c_char_p, ctypes.POINTER(Passwd), ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_int)]
    function.restype = ctypes.c_int
    entry, error = Passwd(), ctypes.c_int()
    scratch = ctypes.create_string_buffer(1024)
    status = function(user.encode(), ctypes.byref(entry), scratch, 1 << 16, ctypes.byref(error))  # expect: CWE-787
    if status != 1:
        raise SystemExit(os.strerror(error.value))
    return entry.uid, entry.home.decode()


if __name__ == "__main__":
    print(*lookup(sys.argv[1], sys.argv[2]))
