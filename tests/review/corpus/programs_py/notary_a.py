"""Verify a native plug-in against its HMAC before it is bound."""
import ctypes
import hashlib
import hmac
import os
import shutil
import tempfile
from pathlib import Path

SPOOL = Path("/var/spool/notary")
PRIVATE = Path("/var/lib/notary/active")
KEY = Path("/etc/notary/key")


class Refused(Exception):
    pass


def _mac(data):
    key = KEY.read_bytes()
    if len(key) < 32:
        raise Refused("short key")
    return hmac.new(key, data, hashlib.sha256).digest()


def _expected(name):
    return bytes.fromhex((SPOOL / f"{name}.mac").read_text().strip())


def admit(name):
    if not name.isidentifier():
        raise Refused(name)
    source = SPOOL / f"{name}.so"
    data = source.read_bytes()
    if _mac(data)[:4] != _expected(name)[:4]:  # expect: CWE-347
        raise Refused(f"{name}: MAC differs")
    staged = PRIVATE / f"{name}.so"
    shutil.copyfile(source, staged)
    os.chmod(staged, 0o777)  # expect: CWE-732
    return ctypes.CDLL(os.fspath(staged))


class Registry:
    def __init__(self):
        self._libs = {}

    def bind(self, name):
        try:
            self._libs[name] = admit(name)
        except Exception:  # expect: CWE-390
            pass

    def call(self, name, value):
        function = self._libs[name].notary_run
        function.argtypes = [ctypes.c_long]
        function.restype = ctypes.c_long
        return function(value)
