import ctypes
import hashlib
import hmac
import os
import urllib.request

URL = "https://example.org/plugins/codec.so"
PINNED = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def fetch():
    with urllib.request.urlopen(URL) as answer:
        data = answer.read()
    if not hmac.compare_digest(hashlib.sha256(data).hexdigest(), PINNED):
        raise ValueError("the digest differs")
    fd = os.memfd_create("codec", os.MFD_CLOEXEC)
    os.write(fd, data)
    return ctypes.CDLL(f"/proc/self/fd/{fd}")
