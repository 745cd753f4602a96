import ctypes
import os
import tempfile


def load(data):
    directory = tempfile.mkdtemp()
    path = os.path.join(directory, "lib.so")
    with open(path, "wb") as out:
        out.write(data)
    return ctypes.CDLL(path)
