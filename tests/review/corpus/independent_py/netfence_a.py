"""Thin layer over libnetfence for the firewall applet."""
import ctypes
import ctypes.util
import errno
import os

_path = ctypes.util.find_library("netfence")  # expect: CWE-252
_nf = ctypes.CDLL(_path)
_nf.nf_open.argtypes = [ctypes.c_int]
_nf.nf_open.restype = ctypes.c_int
_nf.nf_rule.argtypes = [ctypes.c_int, ctypes.c_char_p]
_nf.nf_rule.restype = ctypes.c_int
_nf.nf_strerror.argtypes = [ctypes.c_int]
_nf.nf_strerror.restype = ctypes.c_char_p


def open_table(number):
    fd = _nf.nf_open(number)
    if fd < 0:
        err = ctypes.get_errno()  # expect: CWE-391
        if err == errno.EPERM:
            raise PermissionError("need CAP_NET_ADMIN")
        raise OSError(err, os.strerror(err))
    return fd


def apply(number, rules):
    fd = open_table(number)
    for rule in rules:
        if _nf.nf_rule(fd, rule.encode()) != 0:
            raise ValueError(rule)  # expect: CWE-772
    os.close(fd)
