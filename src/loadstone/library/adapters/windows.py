"""The loader of Windows, through ctypes.

``LoadLibraryExW`` with explicit search flags, never the plain call, which walks the working directory and PATH
(CWE-426). Error dialogs are switched off for the calling thread only: the process-wide switch is a race of threads.
Buffers for paths grow, because paths can be longer than 260 characters. ``GetModuleHandleExW`` keeps a module for ever.

Held by the same contract tests as Linux, against a pretended system; not run on a real one.
Sources: Microsoft Learn, "LoadLibraryExW", "Dynamic-link library search order", "SetThreadErrorMode",
"GetModuleHandleExW", "GetModuleFileNameW", "EnumProcessModulesEx", "System Error Codes".
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_uint32, c_void_p, c_wchar_p
from typing import Any, Final

from loadstone.core.names import Platform
from loadstone.library.adapters.base import BASE_NAMESPACE, LoadedLibrary, Opened, SystemRefused
from loadstone.library.hints import LoadHint

__all__ = ["WindowsAdapter"]

_SEARCH_DLL_LOAD_DIR: Final = 0x100
_SEARCH_SYSTEM32: Final = 0x800
_SEARCH_DEFAULT_DIRS: Final = 0x1000
_SEM_FAILCRITICALERRORS, _SEM_NOOPENFILEERRORBOX = 0x1, 0x8000
_HANDLE_FLAG_PIN, _HANDLE_FLAG_UNCHANGED_REFCOUNT, _HANDLE_FLAG_FROM_ADDRESS = 0x1, 0x2, 0x4
_LIST_MODULES_ALL: Final = 0x3
_MAX_PATH: Final = 260
_MAX_LONG_PATH: Final = 32_768
_MAX_MODULES: Final = 16_384
_PREFIX: Final = "\\\\?\\"

_MEANINGS: Final = {
    5: "access is denied",
    126: "the file, or a library it needs, was not found",
    127: "a library it needs lacks a function it wants",
    193: "it is not a library for this processor and word size (a 32-bit one in a 64-bit process, or none at all)",
    577: "its signature is missing or wrong, and this system demands one",
    998: "it is damaged: the loader met an invalid address in it",
    1114: "its own start-up code (DllMain) failed",
    1455: "there is not enough memory",
}
"""What the usual refusals of LoadLibraryExW mean. Source: Microsoft Learn, "System Error Codes"."""


class WindowsAdapter:
    """LoadLibraryExW and its companions. ``kernel`` is kernel32 loaded with ``use_last_error``; a test gives its own.

    An absolute path is loaded with its own directory and the default safe ones searched for what it needs; a bare name
    comes from System32 only, unless the search of Loadstone found it elsewhere and made it absolute.
    """

    platform = Platform.WINDOWS
    hints: LoadHint = LoadHint(
        LoadHint.PREVENT_UNLOAD | LoadHint.RESOLVE_ALL_SYMBOLS
    )  # everything is always bound at load
    has_namespaces = False
    has_permission_bits = False
    searches_files = False
    unmaps = True

    def __init__(self, kernel: Any = None, last_error: Any = None) -> None:
        if kernel is None:
            kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
            last_error = ctypes.get_last_error  # type: ignore[attr-defined,unused-ignore]
        self._last_error = last_error
        self._load = _typed(kernel.LoadLibraryExW, c_void_p, c_wchar_p, c_void_p, c_uint32)
        self._free = _typed(kernel.FreeLibrary, c_int, c_void_p)
        self._procedure = _typed(kernel.GetProcAddress, c_void_p, c_void_p, c_char_p)
        self._file_name = _typed(kernel.GetModuleFileNameW, c_uint32, c_void_p, c_void_p, c_uint32)
        self._module = _typed(kernel.GetModuleHandleExW, c_int, c_uint32, c_void_p, POINTER(c_void_p))
        self._error_mode = _typed(kernel.SetThreadErrorMode, c_int, c_uint32, c_void_p)
        self._process = _typed(kernel.GetCurrentProcess, c_void_p)
        self._modules = _typed(
            kernel.K32EnumProcessModulesEx, c_int, c_void_p, c_void_p, c_uint32, POINTER(c_uint32), c_uint32
        )

    def _refused(self) -> SystemRefused:
        code = int(self._last_error())
        return SystemRefused(f"error {code}: {_MEANINGS.get(code, 'see System Error Codes')}", code)

    @contextmanager
    def _without_dialogs(self) -> Iterator[None]:
        """For this thread, until left: a missing file is an error code, not a window that waits for a click."""
        before = c_uint32()
        changed = self._error_mode(_SEM_FAILCRITICALERRORS | _SEM_NOOPENFILEERRORBOX, byref(before))
        try:
            yield
        finally:
            if changed:
                self._error_mode(before.value, None)

    def open(self, path: str, hints: int, namespace: int = BASE_NAMESPACE) -> Opened:
        if namespace != BASE_NAMESPACE:
            raise SystemRefused("Windows has no linker namespaces")
        native = path.replace("/", "\\")
        flags = _SEARCH_DLL_LOAD_DIR | _SEARCH_DEFAULT_DIRS if _is_absolute(native) else _SEARCH_SYSTEM32
        with self._without_dialogs():
            handle = self._load(_long(native), None, flags)
            refused = None if handle else self._refused()
        if refused is not None:
            raise refused
        opened = Opened(handle, self._path_of(handle) or native, handle, handle)
        if hints & LoadHint.PREVENT_UNLOAD:
            self.strengthen(opened, hints)
        return opened

    def _path_of(self, handle: int) -> str:
        """The module's file, whatever its length."""
        size = _MAX_PATH
        while size <= _MAX_LONG_PATH:
            buffer = ctypes.create_unicode_buffer(size)
            length = self._file_name(handle, buffer, size)
            if not length:
                return ""
            if length < size:
                return buffer.value.removeprefix(_PREFIX)
            size *= 2
        return ""

    def strengthen(self, opened: Opened, hints: int) -> None:
        if hints & LoadHint.PREVENT_UNLOAD:
            found = c_void_p()
            if not self._module(_HANDLE_FLAG_PIN | _HANDLE_FLAG_FROM_ADDRESS, opened.anchor, byref(found)):
                raise self._refused()

    def close(self, opened: Opened) -> None:
        if not self._free(opened.handle):
            raise self._refused()

    def address(self, opened: Opened, symbol: str) -> int:
        found = self._procedure(opened.handle, symbol.encode("utf-8", "surrogateescape"))
        if found:
            return int(found)
        raise self._refused()

    def provider(self, address: int) -> str | None:
        module = self._module_at(address)
        return self._path_of(module) or None if module else None

    def _module_at(self, address: int) -> int | None:
        found = c_void_p()
        flags = _HANDLE_FLAG_FROM_ADDRESS | _HANDLE_FLAG_UNCHANGED_REFCOUNT
        return found.value if self._module(flags, address, byref(found)) else None

    def is_mapped(self, opened: Opened) -> bool:
        return self._module_at(opened.anchor) == opened.handle and self._path_of(opened.handle) == opened.path

    def is_writable(self, address: int) -> bool:  # noqa: ARG002  the system is not asked
        return True

    def loaded(self) -> tuple[LoadedLibrary, ...]:
        count = 256
        while count <= _MAX_MODULES:
            array = (c_void_p * count)()
            needed = c_uint32()
            size = ctypes.sizeof(array)
            if not self._modules(self._process(), array, size, byref(needed), _LIST_MODULES_ALL):
                raise self._refused()
            if needed.value <= size:
                handles = [h for h in array[: needed.value // ctypes.sizeof(c_void_p)] if h]
                return tuple(LoadedLibrary(self._path_of(h), h) for h in handles)
            count *= 2
        return ()


def _is_absolute(path: str) -> bool:
    return path.startswith("\\\\") or path[1:3] == ":\\"


def _long(path: str) -> str:
    """The spelling that lifts the limit of 260 characters, where it is needed and allowed."""
    if len(path) < _MAX_PATH or path.startswith("\\\\") or not _is_absolute(path):
        return path
    return _PREFIX + path


def _typed(function: Any, restype: Any, *argtypes: Any) -> Any:
    function.restype = restype
    function.argtypes = argtypes
    return function
