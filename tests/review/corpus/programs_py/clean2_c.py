"""Asynchronous client for the token daemon's PKCS#11 module."""
import asyncio
import ctypes
import functools
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CK_ULONG = ctypes.c_ulong
MODULES = {"soft": Path("/usr/lib/softhsm/libsofthsm2.so"), "card": Path("/usr/lib/opensc-pkcs11.so")}


class TokenError(RuntimeError):
    def __init__(self, what, code):
        super().__init__(f"{what}: {code:#x}")
        self.code = code


def _checked(function, *argtypes):
    function.argtypes = list(argtypes)
    function.restype = CK_ULONG

    @functools.wraps(function)
    def call(*args):
        code = function(*args)
        if code:
            raise TokenError(function.__name__, code)

    return call


def _private(path):
    state = path.stat(follow_symlinks=False)
    return stat.S_ISREG(state.st_mode) and state.st_uid == 0 and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


class Token:
    def __init__(self, kind):
        try:
            path = MODULES[kind]
        except KeyError:
            raise ValueError(f"kind {kind!r}; known: {', '.join(MODULES)}") from None
        if not _private(path):
            raise PermissionError(path)
        self._module = ctypes.CDLL(os.fspath(path), mode=os.RTLD_NOW | os.RTLD_LOCAL)
        self._initialize = _checked(self._module.C_Initialize, ctypes.c_void_p)
        self._finalize = _checked(self._module.C_Finalize, ctypes.c_void_p)
        self._slots = _checked(self._module.C_GetSlotList, ctypes.c_ubyte, ctypes.POINTER(CK_ULONG), ctypes.POINTER(CK_ULONG))
        self._lock = threading.Lock()
        self._ready = False

    def __enter__(self):
        with self._lock:
            if not self._ready:
                self._initialize(None)
                self._ready = True
        return self

    def __exit__(self, *exc):
        with self._lock:
            if self._ready:
                self._ready = False
                self._finalize(None)

    def slots(self):
        count = CK_ULONG()
        with self._lock:
            self._slots(1, None, ctypes.byref(count))
            if count.value > 64:
                raise TokenError("C_GetSlotList", count.value)
            table = (CK_ULONG * count.value)()
            self._slots(1, table, ctypes.byref(count))
            return list(table[: count.value])


async def slots(kind):
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=1) as pool, Token(kind) as token:
        return await loop.run_in_executor(pool, token.slots)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=sorted(MODULES))
    print(asyncio.run(slots(parser.parse_args().kind)))
