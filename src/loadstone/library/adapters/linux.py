"""The loader of Linux and other ELF systems, through ctypes.

``dlopen`` and its companions are called as foreign functions, which releases the interpreter lock while constructors
run, and lets us read ``dlerror`` as bytes on the same thread: its text can be other than UTF-8. ``dlsym`` takes the
loader's lock, so it too must not be called with the interpreter lock held: a constructor waiting for that lock would
never end. Only the walk over loaded libraries keeps it: its callback needs it while the loader's list is locked.

Sources: dlopen(3), dlsym(3), dlinfo(3), dladdr(3), dl_iterate_phdr(3), dlmopen(3); glibc link.h and dlfcn.h.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_uint16, c_uint64, c_void_p
from functools import lru_cache
from typing import Final

from loadstone.core.names import Platform
from loadstone.library.adapters.base import BASE_NAMESPACE, LoadedLibrary, Opened, SystemRefused
from loadstone.library.adapters.dlfcn import DlfcnAdapter, DlInfo, decoded
from loadstone.library.hints import LoadHint

__all__ = ["LinuxAdapter"]

_RTLD_LAZY, _RTLD_NOW, _RTLD_NOLOAD, _RTLD_DEEPBIND, _RTLD_GLOBAL, _RTLD_NODELETE = 1, 2, 4, 8, 0x100, 0x1000
_RTLD_DI_LMID: Final = 1

_MODES: Final = tuple(
    (_RTLD_NOW if hints & LoadHint.RESOLVE_ALL_SYMBOLS else _RTLD_LAZY)
    | (_RTLD_GLOBAL if hints & LoadHint.EXPORT_EXTERNAL_SYMBOLS else 0)
    | (_RTLD_NODELETE if hints & LoadHint.PREVENT_UNLOAD else 0)
    | (_RTLD_DEEPBIND if hints & LoadHint.DEEP_BIND else 0)
    for hints in range(32)
)
"""dlopen's mode for every combination of hints."""


class _LinkMap(ctypes.Structure):
    """The public head of struct link_map (link.h); musl's struct dso begins the same. Read only, never written."""

    _fields_ = (("l_addr", c_size_t), ("l_name", c_char_p), ("l_ld", c_size_t))


class _PhdrInfo(ctypes.Structure):
    """The head of struct dl_phdr_info; glibc and musl count the loads and unloads of the process in it."""

    _fields_ = (
        ("addr", c_size_t),
        ("name", c_char_p),
        ("phdr", c_void_p),
        ("phnum", c_uint16),
        ("adds", c_uint64),
        ("subs", c_uint64),
    )


_Visit = ctypes.PYFUNCTYPE(c_int, POINTER(_PhdrInfo), c_size_t, c_void_p)


class LinuxAdapter(DlfcnAdapter):
    """dlopen and its companions. Holds nothing but the functions; one object serves every thread."""

    platform = Platform.LINUX
    has_permission_bits = True
    searches_files = True

    def __init__(self) -> None:
        library = ctypes.CDLL(None)
        holding = getattr(ctypes, "PyDLL", ctypes.CDLL)(None)  # PyPy has none, and takes its lock back by itself
        self._dlopen = ctypes.CFUNCTYPE(c_void_p, c_char_p, c_int)(("dlopen", library))
        self._dlsym = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_char_p)(("dlsym", library))
        self._dlclose = ctypes.CFUNCTYPE(c_int, c_void_p)(("dlclose", library))
        self._dladdr = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(DlInfo))(("dladdr", library))
        self._dlerror = ctypes.PYFUNCTYPE(c_char_p)(("dlerror", holding))  # no other thread, no collector in between
        self._iterate = ctypes.PYFUNCTYPE(c_int, _Visit, c_void_p)(("dl_iterate_phdr", holding))
        self._known: tuple[tuple[int, int], tuple[LoadedLibrary, ...]] = ((0, 0), ())
        self._is_glibc = hasattr(library, "gnu_get_libc_version")
        self.unmaps: bool = self._is_glibc
        self.has_namespaces: bool = self._is_glibc
        if self._is_glibc:
            self._dlmopen = ctypes.CFUNCTYPE(c_void_p, c_long, c_char_p, c_int)(("dlmopen", library))
            self._dlinfo = ctypes.CFUNCTYPE(c_int, c_void_p, c_int, c_void_p)(("dlinfo", library))
        self.hints: LoadHint = LoadHint(27) if self._is_glibc else LoadHint(11)  # musl has no deep binding

    def _handle(self, path: str, mode: int, namespace: int) -> int:
        if namespace == BASE_NAMESPACE:
            handle = self._dlopen(os.fsencode(path) or None, mode)  # no name is the program itself
        elif self._is_glibc:
            handle = self._dlmopen(namespace, os.fsencode(path), mode)
        else:
            raise SystemRefused("this C library has no dlmopen")
        if not handle:
            raise SystemRefused(self._said())
        return int(handle)

    def open(self, path: str, hints: int, namespace: int = BASE_NAMESPACE) -> Opened:
        handle = self._handle(path, _MODES[hints], namespace)
        link = _LinkMap.from_address(handle)
        if namespace != BASE_NAMESPACE:
            number = c_long()
            if self._dlinfo(handle, _RTLD_DI_LMID, byref(number)):
                raise SystemRefused(self._said())
            namespace = number.value
        return Opened(handle, decoded(link.l_name), link.l_addr, link.l_ld, namespace)

    def strengthen(self, opened: Opened, hints: int) -> None:
        self._dlclose(self._handle(opened.path, _MODES[hints] | _RTLD_NOLOAD, opened.namespace))

    def is_mapped(self, opened: Opened) -> bool:
        if not opened.path:  # so the loader lists the program itself, which it never unmaps
            return True
        info = DlInfo()
        return bool(self._dladdr(opened.anchor, byref(info))) and decoded(info.fname) == opened.path

    def is_writable(self, address: int) -> bool:
        try:
            with open("/proc/self/maps", "rb") as maps:
                for line in maps:
                    low, _, high = line.partition(b" ")[0].partition(b"-")
                    if int(low, 16) <= address < int(high, 16):
                        return b"w" in line.split()[1]
        except OSError:
            return True
        return False

    def loaded(self) -> tuple[LoadedLibrary, ...]:
        """As dl_iterate_phdr lists them: the namespace of the program only, and without objects that are no file.

        The list of the last call is given again while the system's counters of loads and unloads stand still.
        """
        found: list[LoadedLibrary] = []
        known = self._known
        changes = (-1, -1)

        def visit(info: ctypes._Pointer[_PhdrInfo], _size: int, _data: int | None) -> int:
            nonlocal changes
            entry = info.contents
            if not found:
                changes = (entry.adds, entry.subs)
                if changes == known[0]:
                    return 1
                found.append(LoadedLibrary(_program_path(), entry.addr))
            elif (name := entry.name) and b"/" in name:
                found.append(LoadedLibrary(decoded(name), entry.addr))
            return 0

        if self._iterate(_Visit(visit), None):
            return known[1]
        self._known = (changes, tuple(found))
        return self._known[1]


@lru_cache(maxsize=1)
def _program_path() -> str:
    return os.path.realpath("/proc/self/exe")
