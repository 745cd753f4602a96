"""Atomic replacement of a native helper with pinned digests."""
import ctypes
import hashlib
import hmac
import os
import tempfile
import urllib.request

HELPER = "/opt/acme/lib/helper.so"
PIN = "0f343b0931126a20f133d67c2b018a3b2d8a5d9a9c2f0f8a1b6d1d6c0b7e6c55"


def download(url):
    if not url.startswith("https://releases.acme.example/"):
        raise ValueError(url)
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read(64 << 20)


def install(url):
    data = download(url)
    if not hmac.compare_digest(hashlib.sha256(data).hexdigest(), PIN):
        raise RuntimeError("digest differs")
    fd, temporary = tempfile.mkstemp(dir=os.path.dirname(HELPER))
    try:
        with os.fdopen(fd, "wb") as fh:
            fh.write(data)
            fh.flush()
            os.fsync(fh.fileno())
        os.chmod(temporary, 0o755)
        os.replace(temporary, HELPER)
    except BaseException:
        os.unlink(temporary)
        raise


def load():
    lib = ctypes.CDLL(HELPER)
    lib.helper_api.argtypes = []
    lib.helper_api.restype = ctypes.c_int
    if lib.helper_api() != 7:
        raise ImportError("helper API")
    return lib
