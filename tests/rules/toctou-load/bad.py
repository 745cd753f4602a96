import ctypes
import hashlib

PINNED = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def load(path):
    with open(path, "rb") as stream:
        digest = hashlib.sha256(stream.read()).hexdigest()
    if digest != PINNED:
        raise ValueError(path)
    return ctypes.CDLL(path)  # bad
