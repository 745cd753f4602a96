"""A mail helper that root starts: the C library is in the process before its first line runs, a filter is not."""

import ctypes
import ctypes.util
import os

libc = ctypes.CDLL("libc.so.6", use_errno=True)  #! none CWE-250
itself = ctypes.CDLL(None)  #! none CWE-250
found = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6")  #! none CWE-250


def become(user, group):
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def quiet(user, group):
    own = ctypes.CDLL("libc.so.6")  #! none CWE-250
    own.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    own.prctl.restype = ctypes.c_int
    become(user, group)
    return own.prctl(38, 1, 0, 0, 0)


def filtered(user, group, text):
    rules = ctypes.CDLL("/usr/lib/mailhelp/libfilter.so.1")  #! CWE-250
    rules.mh_filter.argtypes = [ctypes.c_char_p]
    rules.mh_filter.restype = ctypes.c_int
    become(user, group)
    return rules.mh_filter(text)
