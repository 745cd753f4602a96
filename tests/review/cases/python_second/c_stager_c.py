"""Clean: verifies an open file and loads that very file by its descriptor."""
import contextlib
import ctypes
import hashlib
import hmac
import os
import sys
import tempfile
import urllib.request


def stage(url, wanted):
    with urllib.request.urlopen(url, timeout=20) as answer:
        content = answer.read(64 << 20)
    if not hmac.compare_digest(hashlib.sha256(content).hexdigest(), wanted):  #! none
        raise ValueError(f"{url} is not what was published")
    if sys.platform == "linux":
        fd = os.memfd_create("stage", os.MFD_CLOEXEC)
        try:
            with open(fd, "wb", closefd=False) as out:
                out.write(content)
            return ctypes.CDLL(f"/proc/self/fd/{fd}")  #! none
        finally:
            os.close(fd)
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "stage.dylib")
    with open(path, "xb") as out:
        out.write(content)
    return ctypes.CDLL(path)  #! none


def run(lib, text):
    lib.st_run.argtypes = [ctypes.c_char_p, ctypes.c_int]
    lib.st_run.restype = ctypes.c_int
    status = lib.st_run(text.encode("utf-8"), len(text.encode("utf-8")))
    if status == -1:
        raise OSError(ctypes.get_errno(), "st_run")
    return status


def version(lib):
    with contextlib.suppress(AttributeError):  # older ones have no such function
        function = lib.st_version
        function.argtypes = []
        function.restype = ctypes.c_char_p
        found = function()
        return found.decode() if found else None
    return None
