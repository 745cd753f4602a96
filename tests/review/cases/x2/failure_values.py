import ctypes
import os
from ctypes import wintypes

kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.CreateFileW.restype = wintypes.HANDLE
kernel32.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
kernel32.OpenProcess.restype = wintypes.HANDLE
INVALID_HANDLE_VALUE = wintypes.HANDLE(-1).value
libc = ctypes.CDLL("libc.so.6", use_errno=True)


def device():
    handle = kernel32.CreateFileW(r"\\.\Dev0", 0x80000000, 3, None, 3, 0, None)
    if not handle:  #! CWE-253
        raise ctypes.WinError(ctypes.get_last_error())
    return handle


def snapshot():
    handle = kernel32.CreateToolhelp32Snapshot(2, 0)
    if handle is None:  #! CWE-253
        raise ctypes.WinError(ctypes.get_last_error())
    return handle


def device_compared():
    handle = kernel32.CreateFileW(r"\\.\Dev0", 0x80000000, 3, None, 3, 0, None)
    if handle == INVALID_HANDLE_VALUE:  #! none CWE-253
        raise ctypes.WinError(ctypes.get_last_error())
    return handle


def process(pid):
    handle = kernel32.OpenProcess(0x0400, False, pid)
    if not handle:  #! none CWE-253
        raise ctypes.WinError(ctypes.get_last_error())
    return handle


def process_compared(pid):
    handle = kernel32.OpenProcess(0x0400, False, pid)
    if handle == INVALID_HANDLE_VALUE:  #! CWE-253
        raise ctypes.WinError(ctypes.get_last_error())
    return handle


def mount(device, where):
    rc = libc.mount(device, where, b"ext4", 2, None)
    if rc > 0:  #! CWE-253
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount_asked(device, where):
    rc = libc.mount(device, where, b"ext4", 2, None)
    if rc != 0:  #! none CWE-253
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
