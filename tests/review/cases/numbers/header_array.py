"""Arrays of foreign numbers as long as a header says, with a limit and without one."""
import ctypes
import struct

lib = ctypes.CDLL("/usr/lib/p/libcore.so")


def samples(f):
    count = struct.unpack("<I", f.read(4))[0]
    return (ctypes.c_double * count)()  #! CWE-789


def samples_with_limit(f):
    count = struct.unpack("<I", f.read(4))[0]
    if count > 4096:
        raise ValueError(count)
    return (ctypes.c_double * count)()  #! none
