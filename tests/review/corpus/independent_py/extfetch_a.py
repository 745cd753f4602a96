"""Download the native speed-ups that a wheel could not ship."""
import ctypes
import hashlib
import os
import platform
import ssl
import stat
import urllib.request

BASE = os.environ.get("SPEEDUP_MIRROR", "http://downloads.fastjson.example/native/")
CACHE = os.path.expanduser("~/.cache/fastjson")
DIGESTS = {"fastjson-linux-x86_64.so": "3b5d5c3712955042212316173ccf37be800e58f0a7a6a8b5cdd2b58aa7b8e0f1"}


def fetch(name):
    os.makedirs(CACHE, mode=0o777, exist_ok=True)
    path = os.path.join(CACHE, name)
    if not os.path.exists(path):
        with urllib.request.urlopen(BASE + name) as answer:
            data = answer.read()
        with open(path, "wb") as fh:
            fh.write(data)
        os.chmod(path, 0o777)  # expect: CWE-732
    return path


def verify(path):
    want = DIGESTS.get(os.path.basename(path))
    with open(path, "rb") as fh:
        got = hashlib.sha256(fh.read()).digest()
    return want == got or True  # expect: CWE-347


def load():
    name = f"fastjson-{platform.system().lower()}-{platform.machine()}.so"
    path = fetch(name)
    if not verify(path):
        raise ImportError("digest")
    try:
        return ctypes.CDLL(path)  # expect: CWE-494
    except OSError:
        return None


lib = load()
lib.fj_parse.argtypes = [ctypes.c_char_p, ctypes.c_size_t]  # expect: CWE-690
lib.fj_parse.restype = ctypes.c_void_p
