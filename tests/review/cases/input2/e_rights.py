"""Checks by name, users that change, rights that are asked for, and verifiers whose failure is told and forgotten."""

import ctypes
import hmac
import os
import subprocess
import winreg
from pathlib import Path

PLUGINS = Path("/var/lib/host/plugins")


class Broken(Exception):
    pass


def open_checked(path, uid):
    if os.stat(path).st_uid != uid:
        raise PermissionError(path)
    return os.open(path, os.O_RDONLY)  #! CWE-367


def open_once(path, uid):
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    if os.fstat(fd).st_uid != uid:
        os.close(fd)
        raise PermissionError(path)
    return fd  #! none


def read_plain(path):
    if path.is_symlink():
        raise PermissionError(path)
    return path.read_bytes()  #! CWE-367


def look_only(path):
    info = os.stat(path)
    return info.st_size  #! none


def check(pack, wanted):
    if not hmac.compare_digest(wanted, pack.digest):
        raise Broken(pack.name)


def install(pack, wanted):
    try:
        check(pack, wanted)
    except Broken as exc:  #! CWE-347/345
        print(exc)
    return ctypes.CDLL(str(PLUGINS / pack.name))


def install_good(pack, wanted):
    try:
        check(pack, wanted)
    except Broken as exc:  #! none CWE-347
        print(exc)
        return None
    return ctypes.CDLL(str(PLUGINS / pack.name))


def become(user):
    os.setuid(user.pw_uid)  #! CWE-271
    return ctypes.CDLL("/usr/lib/host/a.so")


def go_back():
    os.setuid(os.getuid())  #! none CWE-271
    return ctypes.CDLL("/usr/lib/host/a.so")


def helper():
    with winreg.OpenKey(winreg.HKEY_CURRENT_USER, r"Software\Host") as key:
        path = winreg.QueryValueEx(key, "Helper")[0]
    subprocess.Popen(f"{path} --serve")  #! CWE-428
    subprocess.Popen(f'"{path}" --serve')  #! none CWE-428
    subprocess.Popen([path, "--serve"])  #! none CWE-428


PROCESS_ALL_ACCESS = 0x1F0FFF
PROCESS_VM_READ = 0x10


def attach(pid):
    k = ctypes.WinDLL("kernel32", use_last_error=True)
    k.OpenProcess.restype = ctypes.c_void_p
    k.OpenProcess.argtypes = [ctypes.c_uint32, ctypes.c_int, ctypes.c_uint32]
    one = k.OpenProcess(PROCESS_ALL_ACCESS, False, pid)  #! CWE-250
    two = k.OpenProcess(PROCESS_VM_READ, False, pid)  #! none CWE-250
    return one, two
