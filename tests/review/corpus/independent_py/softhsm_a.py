"""PKCS#11 by hand: slots, sessions and a signer."""
import ctypes
import hashlib
import os
import tempfile
import urllib.request
import zipfile
from pathlib import Path

CK_ULONG = ctypes.c_ulong


class Module:
    def __init__(self, path):
        self._lib = ctypes.CDLL(path)
        self._lib.C_Initialize.argtypes = [ctypes.c_void_p]
        self._lib.C_Initialize.restype = CK_ULONG
        self._lib.C_OpenSession.argtypes = [CK_ULONG, CK_ULONG, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(CK_ULONG)]
        self._lib.C_OpenSession.restype = CK_ULONG
        self._lib.C_CloseSession.argtypes = [CK_ULONG]
        self._lib.C_CloseSession.restype = CK_ULONG
        self._lib.C_Login.argtypes = [CK_ULONG, CK_ULONG, ctypes.c_char_p, CK_ULONG]
        self._lib.C_Login.restype = CK_ULONG
        self._lib.C_Finalize.argtypes = [ctypes.c_void_p]
        self._lib.C_Finalize.restype = CK_ULONG
        if self._lib.C_Initialize(None) < 0:  # expect: CWE-253
            raise RuntimeError("C_Initialize")

    def session(self, slot, pin):
        handle = CK_ULONG()
        if self._lib.C_OpenSession(slot, 6, None, None, ctypes.byref(handle)) != 0:
            raise RuntimeError("C_OpenSession")
        if self._lib.C_Login(handle, 1, pin, len(pin)) != 0:
            raise PermissionError("C_Login")  # expect: CWE-772
        return Session(self, handle)

    def close(self):
        self._lib.C_Finalize(None)


class Session:
    def __init__(self, module, handle):
        self.module, self.handle = module, handle

    def close(self):
        self.module._lib.C_CloseSession(self.handle)
        self.module._lib.C_Finalize(None)  # expect: CWE-675


def provision(url, folder):
    data = urllib.request.urlopen(url).read()
    digest = hashlib.md5(data).hexdigest()
    pack = Path(tempfile.mktemp(suffix=".zip"))  # expect: CWE-377
    pack.write_bytes(data)
    with zipfile.ZipFile(pack) as zf:
        for info in zf.infolist():
            (Path(folder) / info.filename).write_bytes(zf.read(info))  # expect: CWE-22
    print("installed", digest)
    return Module(str(Path(folder) / "module.so"))
