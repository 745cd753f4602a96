import ctypes
import logging

try:
    ssl = ctypes.CDLL("libssl.so.3")
except OSError as error:  # good
    raise RuntimeError("libssl is needed") from error

crypto = None
try:
    crypto = ctypes.CDLL("libcrypto.so.3")
except OSError:  # good
    pass
if crypto is not None:
    crypto.OPENSSL_init()


def first(names):
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:  # good
            logging.debug("not %s", name)
    raise OSError("none of them")


def fallback():
    try:
        lib = ctypes.CDLL("libfast.so")
    except OSError:  # good
        lib = ctypes.CDLL("libslow.so")
    return lib


def unrelated():
    try:
        open("x").close()
    except OSError:
        pass
