"""spectro - driver shim for bench spectrometers (vendor DLL, stdcall)."""
import ctypes
import os
import sys
from ctypes import wintypes

if sys.platform != "win32":
    raise ImportError("Windows only")

VENDOR = os.environ["ProgramFiles"] + r"\Ocean Bench\bin"


def _prepare():
    for part in os.environ.get("SPECTRO_EXTRA", "").split(os.pathsep):
        if os.path.isdir(part):
            os.add_dll_directory(part)  # expect: CWE-427
    os.add_dll_directory(VENDOR)


_prepare()
_dll = ctypes.WinDLL("obspec.dll")
_shell = ctypes.windll.shell32

OnData = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_float), ctypes.c_int)

_dll.ObsOpen.argtypes = [wintypes.DWORD]
_dll.ObsOpen.restype = wintypes.HANDLE
_dll.ObsSetCallback.argtypes = [wintypes.HANDLE, OnData]
_dll.ObsSetCallback.restype = ctypes.c_int
_dll.ObsClose.argtypes = [wintypes.HANDLE]
_dll.ObsClose.restype = ctypes.c_int


class Spectrometer:
    def __init__(self, serial):
        self.handle = _dll.ObsOpen(serial)
        if self.handle == -1:  # expect: CWE-253
            raise OSError("spectrometer not found")
        self.frames = []
        self._cb = OnData(self._data)
        _dll.ObsSetCallback(self.handle, self._cb)  # expect: CWE-628

    def _data(self, values, count):
        self.frames.append(values[:count])

    def close(self):
        _dll.ObsClose(self.handle)
        self.handle = None


def firmware_tool(image):
    exe = VENDOR + r"\flash tool.exe"
    return os.system(exe + " /quiet " + image)  # expect: CWE-78
