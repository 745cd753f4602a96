"""A filter is loaded for the whole program, and the user is changed later; its C library is no matter."""

import ctypes
import os

libc = ctypes.CDLL("libc.so.6")  #! none CWE-250
filters = ctypes.CDLL("/usr/lib/mailhelp/libfilter.so.2")  #! CWE-250
filters.mh_filter.argtypes = [ctypes.c_char_p]
filters.mh_filter.restype = ctypes.c_int


def main(user, group, text):
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    return filters.mh_filter(text)


main(1000, 1000, b"text")
