import ctypes
import sys
from pathlib import Path

BASE = Path("/usr/lib/app/plugins").resolve()


def load(name):
    path = (BASE / name).resolve()
    if not path.is_relative_to(BASE):
        raise ValueError(name)
    return ctypes.CDLL(str(path))


load(sys.argv[1])
