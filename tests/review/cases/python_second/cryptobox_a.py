"""cffi binding of a vault library; a vault is opened once and shared by the workers of a pool."""
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from cffi import FFI

ffi = FFI()
ffi.cdef("""
typedef struct vault vault;
vault *vault_open(const char *path, const unsigned char *key, size_t length);
int vault_get(vault *v, const char *name, unsigned char *out, size_t *length);
void vault_close(vault *v);
const char *vault_error(vault *v);
""")


class VaultError(Exception):
    pass


_lib = None
_once = threading.Lock()


def library():
    global _lib
    if _lib is None:
        _lib = ffi.dlopen(os.environ.get("VAULT_LIB", "libvault.so.2"))  #! CWE-114
    return _lib


class Vault:
    def __init__(self, path, key):
        self._lib = library()
        self._lock = threading.Lock()
        handle = self._lib.vault_open(os.fsencode(path), key, len(key))
        if handle == ffi.NULL:
            raise VaultError(f"cannot open {path}")
        self._handle = handle

    def get(self, name):
        length = ffi.new("size_t *", 256)
        out = ffi.new("unsigned char[]", 256)
        status = self._lib.vault_get(self._handle, name.encode(), out, length)  #! CWE-416
        if status != 0:
            raise VaultError(f"no {name}")
        return bytes(ffi.buffer(out, length[0]))  #! CWE-125

    def close(self):
        self._lib.vault_close(self._handle)


def fetch_all(path, key, names):
    vault = Vault(path, key)
    try:
        with ThreadPoolExecutor(8) as pool:
            return dict(zip(names, pool.map(vault.get, names)))
    finally:
        vault.close()
