"""Descriptors are numbers: nothing closes them when they go out of scope."""

import ctypes
import os
import tempfile

lib = ctypes.CDLL("libusage.so.1")
lib.use_fd.argtypes = [ctypes.c_int]
lib.use_fd.restype = ctypes.c_int


def read_header(path):
    fd = os.open(path, os.O_RDONLY)  #! CWE-775
    return os.read(fd, 64)


def header_left(path):
    fd = os.open(path, os.O_RDONLY)  #! CWE-775
    data = os.pread(fd, 64, 0)
    return data[:4]


def header_closed(path):
    fd = os.open(path, os.O_RDONLY)  #! none CWE-775
    try:
        return os.pread(fd, 64, 0)
    finally:
        os.close(fd)


def given_back(path):
    fd = os.open(path, os.O_RDONLY)  #! none CWE-775
    return fd


def owned(path):
    fd = os.open(path, os.O_RDONLY)  #! none CWE-775
    with os.fdopen(fd, "rb") as stream:
        return stream.read()


class Device:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR)  #! none CWE-775

    def close(self):
        os.close(self.fd)


def scratch(data):
    fd, name = tempfile.mkstemp(suffix=".so")  #! CWE-775
    with open(name, "wb") as stream:
        stream.write(data)
    return name


def scratch_closed(data):
    fd, name = tempfile.mkstemp(suffix=".so")  #! none CWE-775
    os.write(fd, data)
    os.close(fd)
    return name


def lent_to_library(path):
    fd = os.open(path, os.O_RDONLY)  #! none CWE-775
    status = lib.use_fd(fd)
    os.close(fd)
    return status


def in_memory(data):
    fd = os.memfd_create("codec", os.MFD_CLOEXEC)  #! none CWE-775
    os.write(fd, data)
    return ctypes.CDLL(f"/proc/self/fd/{fd}")
