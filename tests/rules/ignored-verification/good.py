import ctypes
import hashlib
import hmac


def checked(path, data, expected):
    seen = hashlib.sha256(data).hexdigest()
    if not hmac.compare_digest(seen, expected):
        raise ValueError(path)
    return ctypes.CDLL(path)


def verify(data, want):
    return hmac.compare_digest(hashlib.sha256(data).digest(), want), "digest"


def accept(path, data, want):
    good, why = verify(data, want)
    if not good:
        raise ValueError(why)
    return ctypes.CDLL(path)


class Rules:
    require_signature = True
