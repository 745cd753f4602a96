import ctypes
import os
import sys

BASE = "/usr/lib/app/plugins"


def load(name):
    path = os.path.join(BASE, name)
    if not path.startswith(BASE):
        raise ValueError(name)
    return ctypes.CDLL(path)  # expect: CWE-22


load(sys.argv[1])
