"""Windows service helper: loads shell extensions and starts the uninstaller."""
import ctypes
import os
import subprocess
import winreg
from ctypes import wintypes

k32 = ctypes.WinDLL("kernel32", use_last_error=True)
k32.LoadLibraryW.argtypes = [wintypes.LPCWSTR]
k32.LoadLibraryW.restype = wintypes.HMODULE
k32.FreeLibrary.argtypes = [wintypes.HMODULE]
k32.GetProcAddress.argtypes = [wintypes.HMODULE, wintypes.LPCSTR]
k32.GetProcAddress.restype = ctypes.c_void_p
k32.GetModuleFileNameW.argtypes = [wintypes.HMODULE, wintypes.LPWSTR, wintypes.DWORD]
k32.GetModuleFileNameW.restype = wintypes.DWORD
RUN = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


def extension_path():
    with winreg.OpenKey(winreg.HKEY_CURRENT_USER, r"Software\Elevator") as key:
        value, _ = winreg.QueryValueEx(key, "Extension")
    return value


def run_extension():
    module = k32.LoadLibraryW(extension_path())  # expect: CWE-114
    try:
        address = k32.GetProcAddress(module, b"ExtensionRun")
        return RUN(address)(None)  # expect: CWE-690
    finally:
        k32.FreeLibrary(module)


def where(module):
    name = ctypes.create_unicode_buffer(260)
    k32.GetModuleFileNameW(module, name, ctypes.sizeof(name))  # expect: CWE-131
    return name.value


def uninstall():
    subprocess.call(r"C:\Program Files\Elevator\uninst.exe /S")  # expect: CWE-428


def plugin_handle():
    module = k32.LoadLibraryW("elevplug.dll")  # expect: CWE-427
    if not k32.GetProcAddress(module, b"PluginApi"):
        return None  # expect: CWE-772
    return module
