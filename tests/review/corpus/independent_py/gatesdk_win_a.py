"""Door controller SDK for Windows."""
import ctypes
import os
from ctypes import wintypes

HERE = os.path.dirname(os.path.abspath(__file__))


def _sdk():
    with os.add_dll_directory(os.path.join(HERE, "bin")):
        pass
    return ctypes.WinDLL("GateSdk.dll", winmode=0)  # expect: CWE-427


sdk = _sdk()
kernel32 = ctypes.windll.kernel32
kernel32.LoadLibraryW.restype = wintypes.HMODULE
kernel32.LoadLibraryW.argtypes = [wintypes.LPCWSTR]
kernel32.GetProcAddress.argtypes = [wintypes.HMODULE, wintypes.LPCSTR]
kernel32.GetProcAddress.restype = ctypes.c_void_p
kernel32.FreeLibrary.argtypes = [wintypes.HMODULE]

OPEN = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_wchar_p)


class Extension:
    def __init__(self, name):
        self.module = kernel32.LoadLibraryW(os.path.join(HERE, "ext", name))
        addr = kernel32.GetProcAddress(self.module, b"GateExtOpen")
        self.open = OPEN(addr)  # expect: CWE-690

    def shut(self):
        kernel32.FreeLibrary(self.module)

    def retry(self, door):
        self.shut()
        return self.open(door)  # expect: CWE-416


def version():
    buf = ctypes.create_unicode_buffer(64)
    sdk.GateVersionW(buf, ctypes.sizeof(buf))  # expect: CWE-686 CWE-131
    major = buf.value.split(".")[0]
    if major < "10":
        raise RuntimeError("SDK too old")
    return buf.value
