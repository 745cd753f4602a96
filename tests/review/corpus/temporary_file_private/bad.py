import ctypes
import shutil
import tempfile


def load(data):
    path = tempfile.mktemp(suffix=".so")  # expect: CWE-377
    with open(path, "wb") as out:
        out.write(data)
    return ctypes.CDLL(path)
