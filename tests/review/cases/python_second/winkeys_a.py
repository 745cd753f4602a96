"""Reads the key store of a Windows service (ctypes, typer)."""
import ctypes
import os
import subprocess
import sys
from ctypes import wintypes

import typer

app = typer.Typer()

ERROR_NO_MORE_ITEMS = 259


class Entry(ctypes.Structure):
    _fields_ = [("name", wintypes.LPWSTR), ("kind", wintypes.DWORD)]


if sys.platform == "win32":
    os.environ["PATH"] = os.getcwd() + os.pathsep + os.environ["PATH"]  #! CWE-427
    store = ctypes.WinDLL("ksvc.dll")
    store.KsOpen.argtypes = [wintypes.LPCWSTR, ctypes.POINTER(wintypes.HANDLE)]
    store.KsOpen.restype = wintypes.DWORD
    store.KsNext.argtypes = [wintypes.HANDLE, ctypes.POINTER(Entry)]
    store.KsCount.argtypes = [wintypes.HANDLE]
    store.KsHandleOf.argtypes = [wintypes.HANDLE, wintypes.LPCWSTR]
    store.KsClose.argtypes = [wintypes.HANDLE]
    store.KsClose.restype = None


def entries(path):
    handle = wintypes.HANDLE()
    status = store.KsOpen(path, ctypes.byref(handle))
    if status:
        raise ctypes.WinError(status)
    try:
        entry = Entry()
        while True:
            status = store.KsNext(handle, ctypes.byref(entry))
            if status == ERROR_NO_MORE_ITEMS:
                return
            if status:
                raise ctypes.WinError(status)
            yield entry.name, entry.kind
    finally:
        store.KsClose(handle)


@app.command()
def show(path: str):
    for name, kind in entries(path):
        typer.echo(f"{kind:08x} {name}")


@app.command()
def export(path: str, target: str):
    subprocess.call("certutil -store %s > %s" % (path, target), shell=True)  #! CWE-78


@app.command()
def point(path: str, name: str):
    handle = wintypes.HANDLE()
    status = store.KsOpen(path, ctypes.byref(handle))
    if status:
        raise ctypes.WinError(status)
    child = store.KsHandleOf(handle, name)  #! CWE-686
    typer.echo(f"{child:#x}" if child else "none")
    store.KsClose(handle)


if __name__ == "__main__":
    app()
