import ctypes
import os
import tempfile
import zipfile


def load(archive):
    target = os.path.join(tempfile.gettempdir(), "native")  # expect: CWE-379
    with zipfile.ZipFile(archive) as z:
        z.extractall(target)
    return ctypes.CDLL(os.path.join(target, "libnative.so"))
