import ctypes
import ctypes.util


def load_crypto():
    name = ctypes.util.find_library("crypto")  # bad
    lib = ctypes.CDLL(name)
    lib.OpenSSL_version_num.argtypes = []
    lib.OpenSSL_version_num.restype = ctypes.c_ulong
    return lib.OpenSSL_version_num()
