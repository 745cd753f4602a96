import ctypes
import os

ALLOWED = ("/usr/lib/app/a.so", "/usr/lib/app/b.so")
path = os.environ.get("APP_LIB", ALLOWED[0])
if path not in ALLOWED:
    raise SystemExit("not allowed")
lib = ctypes.CDLL(path)
