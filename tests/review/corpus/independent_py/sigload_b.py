"""Loads signed decision modules for the underwriting engine."""
import base64
import ctypes
import os
import tempfile
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY = base64.b64decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
INBOX = "/var/spool/decisions/in"
ACTIVE = "/var/lib/decisions/active"


def genuine(data, signature):
    try:
        Ed25519PublicKey.from_public_bytes(KEY).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def accept(name):
    path = os.path.join(INBOX, os.path.basename(name))
    with open(path, "rb") as fh:
        data = fh.read()
    with open(path + ".sig", "rb") as fh:
        sig = fh.read()
    if not genuine(data, sig):
        raise PermissionError(name)
    fd, target = tempfile.mkstemp(dir=ACTIVE, suffix=".so")
    with os.fdopen(fd, "wb") as fh:
        fh.write(data)
    lib = ctypes.CDLL(target)
    lib.decide.argtypes = [ctypes.c_char_p]
    lib.decide.restype = ctypes.c_int
    return lib
