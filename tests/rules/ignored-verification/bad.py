import ctypes
import hashlib
import hmac
import logging
import zlib

CRCS = {"a": 7}


def logged(path, data, expected):
    seen = hashlib.sha256(data).hexdigest()
    if seen != expected:  # bad
        logging.warning("%s differs", path)
    return ctypes.CDLL(path)


def optional(path, data, sha256):
    seen = hashlib.sha256(data).hexdigest()
    if sha256 is not None and seen != sha256:  # bad
        raise ValueError(path)
    return ctypes.CDLL(path)


def verify(data, want):
    if len(data) > 100:
        return False, "large"
    return hmac.compare_digest(hashlib.sha256(data).digest(), want), "digest"


def accept(path, data, want):
    if not verify(data, want):  # bad
        raise ValueError(path)
    return ctypes.CDLL(path)


class Rules:
    require_signature = False  # bad


def run(path, data, want, rules):
    if rules.require_signature:
        verify(data, want)
    return ctypes.CDLL(path)
