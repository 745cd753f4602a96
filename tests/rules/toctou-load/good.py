import ctypes
import hashlib
import os

PINNED = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def load(path):
    fd = os.memfd_create("library", os.MFD_CLOEXEC)
    with open(path, "rb") as stream:
        data = stream.read()
    if hashlib.sha256(data).hexdigest() != PINNED:
        raise ValueError(path)
    os.write(fd, data)
    return ctypes.CDLL(f"/proc/self/fd/{fd}")
