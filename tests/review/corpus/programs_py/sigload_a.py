"""Ed25519-signed modules of the till."""
import ctypes
import logging
import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

log = logging.getLogger("till")
KEY = bytes.fromhex("3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29")
ROOT = "/var/lib/till/modules"


class ModuleError(Exception):
    pass


def _verified(path):
    with open(path, "rb") as source:
        image = source.read()
    with open(path + ".sig", "rb") as source:
        signature = source.read(64)
    try:
        Ed25519PublicKey.from_public_bytes(KEY).verify(signature, image)
    except InvalidSignature:  # expect: CWE-347
        log.warning("%s: bad signature", path)
    return image


def load(name):
    path = os.path.join(ROOT, os.path.basename(name))
    image = _verified(path)
    module = ctypes.CDLL(path)  # expect: CWE-367
    log.info("%s: %d bytes", name, len(image))
    return module
