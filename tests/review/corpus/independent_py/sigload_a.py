"""Loads signed decision modules for the underwriting engine."""
import base64
import ctypes
import json
import os
import shutil
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY = base64.b64decode("3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29" [:44])
INBOX = "/var/spool/decisions/in"
ACTIVE = "/var/lib/decisions/active"


def genuine(data, signature):
    try:
        Ed25519PublicKey.from_public_bytes(KEY[:32]).verify(signature, data)
    except InvalidSignature:
        return False, "signature"
    except ValueError as exc:
        return False, str(exc)
    return True, ""


def accept(name, strict=False):
    path = os.path.join(INBOX, os.path.basename(name))
    with open(path, "rb") as fh:
        data = fh.read()
    with open(path + ".sig", "rb") as fh:
        sig = fh.read()
    if not genuine(data, sig):  # expect: CWE-253
        raise PermissionError(name)
    target = os.path.join(ACTIVE, os.path.basename(name))
    shutil.copy(path, target)
    lib = ctypes.CDLL(target)
    lib.decide.argtypes = [ctypes.c_char_p]
    lib.decide.restype = ctypes.c_int
    return lib


def settings():
    defaults = {"verify": False, "inbox": INBOX}
    try:
        with open("/etc/decisions.json") as fh:
            defaults.update(json.load(fh))
    except FileNotFoundError:
        pass
    return defaults


def main(names):
    conf = settings()
    for name in names:
        if conf["verify"]:
            lib = accept(name)
        else:
            lib = ctypes.CDLL(os.path.join(INBOX, os.path.basename(name)))
        print(name, lib.decide(b"{}"))
