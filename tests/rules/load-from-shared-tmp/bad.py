import ctypes
import shutil
import tempfile


def load(data):
    path = tempfile.mktemp(suffix=".so")  # bad
    with open(path, "wb") as out:
        out.write(data)
    return ctypes.CDLL(path)
