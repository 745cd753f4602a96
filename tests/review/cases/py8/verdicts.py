"""A verifier of OpenSSL gives 1, 0 or a negative number; a name is another file by the time it is opened again."""

import ctypes
import ctypes.util
import hashlib

crypto = ctypes.CDLL("libcrypto.so.3")
crypto.EVP_DigestVerify.restype = ctypes.c_int
crypto.EVP_DigestVerify.argtypes = [
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
]


def is_signed(context, signature, data):
    return bool(crypto.EVP_DigestVerify(context, signature, len(signature), data, len(data)))  #! CWE-253/CWE-347


def is_signed_exactly(context, signature, data):
    return crypto.EVP_DigestVerify(context, signature, len(signature), data, len(data)) == 1  #! none


def load(path, wanted):
    with open(path, "rb") as stream:
        if hashlib.sha256(stream.read()).hexdigest() != wanted:
            raise ValueError("wrong digest")
    return ctypes.CDLL(path)  #! CWE-367
