"""Licence daemon on Windows: loads a vendor DLL, talks to it by ordinals (click)."""
import ctypes
import os
import subprocess
import sys
from ctypes import wintypes

import click

kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.LoadLibraryExW.argtypes = [wintypes.LPCWSTR, wintypes.HANDLE, wintypes.DWORD]
kernel32.LoadLibraryExW.restype = wintypes.HMODULE
kernel32.GetProcAddress.argtypes = [wintypes.HMODULE, ctypes.c_char_p]
kernel32.GetProcAddress.restype = ctypes.c_void_p
kernel32.FreeLibrary.argtypes = [wintypes.HMODULE]
kernel32.FreeLibrary.restype = wintypes.BOOL
CHECK = ctypes.WINFUNCTYPE(wintypes.DWORD, wintypes.LPCSTR, ctypes.c_void_p)
SEARCH_SYSTEM32 = 0x800
SEARCH_DLL_DIR = 0x100


def vendor():
    root = os.environ.get("PROGRAMFILES", r"C:\Program Files")
    handle = kernel32.LoadLibraryExW("vlic.dll", None, 0)
    if not handle:
        raise ctypes.WinError(ctypes.get_last_error())
    return handle


def check(handle, product):
    address = kernel32.GetProcAddress(handle, b"LicCheck")
    return CHECK(address)(product.encode(), None)  #! CWE-690


@click.command()
@click.argument("product")
@click.option("--repair", is_flag=True)
def main(product, repair):
    handle = vendor()
    function = CHECK(kernel32.GetProcAddress(handle, b"LicCheck") or 0)
    kernel32.FreeLibrary(handle)
    status = function(product.encode(), None)  #! CWE-416
    if status and repair:
        tool = r"C:\Program Files\Vendor\Repair Tool\repair.exe"
        subprocess.Popen(tool + " /product " + product)  #! CWE-428
    sys.exit(status)
