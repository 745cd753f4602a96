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
    if not hmac.compare_digest(_mac(data), _expected(name)):
        raise Refused(f"{name}: MAC differs")
    handle, staged = tempfile.mkstemp(dir=PRIVATE, suffix=".so")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    os.chmod(staged, 0o500)
    return ctypes.CDLL(os.fspath(staged))


class Registry:
    def __init__(self):
        self._libs = {}

    def bind(self, name):
        try:
            self._libs[name] = admit(name)
        except (Refused, OSError) as exc:
            raise SystemExit(f"notary: {name}: {exc}") from exc

    def call(self, name, value):
        function = self._libs[name].notary_run
        function.argtypes = [ctypes.c_long]
        function.restype = ctypes.c_long
        return function(value)
