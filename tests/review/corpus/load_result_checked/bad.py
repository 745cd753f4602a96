import ctypes
import ctypes.util


def load_crypto():
    name = ctypes.util.find_library("crypto")
    lib = ctypes.CDLL(name)  # expect: CWE-252
    lib.OpenSSL_version_num.argtypes = []
    lib.OpenSSL_version_num.restype = ctypes.c_ulong
    return lib.OpenSSL_version_num()
