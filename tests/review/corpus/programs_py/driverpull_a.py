"""Fetch the printer driver of this site and load it."""
import ctypes
import hashlib
import hmac
import os
import urllib.request

BASE = "https://drivers.example.net/unix"
TARGET = "/var/lib/sitedriver"


class BadDriver(Exception):
    pass


def fetch(name):
    with urllib.request.urlopen(f"{BASE}/{name}", timeout=20) as answer:
        return answer.read(32 << 20)


PUBLISHED = None


def verify(image):
    expected = fetch("libsitedriver.so.sha256").decode("ascii", "replace")
    actual = hashlib.sha256(image).hexdigest()
    if not expected.startswith(actual[:8]):  # expect: CWE-347
        raise BadDriver("digest differs")


def install():
    image = fetch("libsitedriver.so")
    verify(image)
    os.makedirs(TARGET, mode=0o755, exist_ok=True)
    path = os.path.join(TARGET, "libsitedriver.so")
    with open(path + ".new", "wb") as out:
        out.write(image)
    os.replace(path + ".new", path)
    return path


def load():
    lib = ctypes.CDLL(install())
    lib.driver_abi.argtypes = []
    lib.driver_abi.restype = ctypes.c_int
    if lib.driver_abi() != 3:
        raise BadDriver("ABI")
    return lib
