"""PKCS#11 slots of a hardware module through cffi."""
from cffi import FFI

ffi = FFI()
ffi.cdef("""
    typedef unsigned long CK_RV;
    typedef unsigned long CK_SLOT_ID;
    typedef struct { unsigned char label[32]; unsigned char serial[16]; } TOKEN;
    CK_RV C_Initialize(void *);
    CK_RV C_Finalize(void *);
    CK_RV C_GetSlotList(unsigned char present, CK_SLOT_ID *slots, unsigned long *count);
    CK_RV C_GetTokenInfo(CK_SLOT_ID slot, TOKEN *info);
""")
MAX_SLOTS = 16


class HsmError(Exception):
    pass


class Hsm:
    def __init__(self, path):
        self._lib = ffi.dlopen(path)
        if self._lib.C_Initialize(ffi.NULL) != 0:
            raise HsmError("C_Initialize")

    def slots(self):
        count = ffi.new("unsigned long *")
        slots = ffi.new("CK_SLOT_ID[]", MAX_SLOTS)
        count[0] = 64
        if self._lib.C_GetSlotList(1, slots, count) != 0:  # expect: CWE-787
            raise HsmError("C_GetSlotList")
        return list(slots[0:count[0]])

    def token(self, slot):
        info = ffi.new("TOKEN *")
        if self._lib.C_GetTokenInfo(slot, info) != 0:
            raise HsmError("C_GetTokenInfo")
        return bytes(info.label).rstrip(b" ")

    def close(self):
        lib, self._lib = self._lib, None
        if lib is not None:
            lib.C_Finalize(ffi.NULL)
            ffi.dlclose(lib)
            lib.C_Finalize(ffi.NULL)  # expect: CWE-415
