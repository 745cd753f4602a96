"""Codecs by their name: a table that hands out what it holds, and tables that replace it or refuse a second one."""

import ctypes
from pathlib import Path

ROOT = Path("/usr/lib/wavebench")


class Codecs:
    def __init__(self):
        self._shared = {}
        self._named = {}
        self._once = {}
        self._kept = {}

    def shared(self, vendor, name):
        found = self._shared.get(name)  #! CWE-706
        if found is None:
            found = ctypes.CDLL(str(ROOT / "a" / f"{int(vendor)}-{int(name)}.so"))
            self._shared[name] = found
        return found

    def kept(self, vendor, name):
        if name not in self._kept:  #! CWE-706
            self._kept[name] = ctypes.CDLL(str(ROOT / "d" / f"{int(vendor)}-{int(name)}.so"))

    def replace(self, vendor, name):
        new = ctypes.CDLL(str(ROOT / "b" / f"{int(vendor)}-{int(name)}.so"))
        old = self._named.get(name)  #! none
        self._named[name] = new
        if old is not None:
            old.wb_end()
        return new

    def once(self, vendor, name):
        if name in self._once:  #! none
            raise KeyError(name)
        self._once[name] = ctypes.CDLL(str(ROOT / "c" / f"{int(vendor)}-{int(name)}.so"))
