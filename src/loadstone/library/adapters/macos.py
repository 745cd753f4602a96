"""The loader of macOS and iOS, through ctypes.

dyld has dlopen and its companions with other numbers, and a list of images with its own functions. Libraries of the
system live in a shared cache and are no files: dlopen knows them by path all the same, so a name that no search finds
is given to it. dyld may refuse to unload an image (Objective-C, Swift, thread-local variables); that is verified.

Held by the same contract tests as Linux, against a pretended system; not run on a real one.
Sources: dlopen(3) and dyld(3) of macOS, mach-o/dyld.h.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_char_p, c_int, c_uint32, c_void_p
from typing import Any, Final

from loadstone.core.names import Platform
from loadstone.library.adapters.base import BASE_NAMESPACE, LoadedLibrary, Opened, SystemRefused
from loadstone.library.adapters.dlfcn import DlfcnAdapter, DlInfo, decoded
from loadstone.library.hints import LoadHint

__all__ = ["MacosAdapter"]

_RTLD_LAZY, _RTLD_NOW, _RTLD_LOCAL, _RTLD_GLOBAL, _RTLD_NOLOAD, _RTLD_NODELETE = 0x1, 0x2, 0x4, 0x8, 0x10, 0x80

_MODES: Final = tuple(
    (_RTLD_NOW if hints & LoadHint.RESOLVE_ALL_SYMBOLS else _RTLD_LAZY)
    | (_RTLD_GLOBAL if hints & LoadHint.EXPORT_EXTERNAL_SYMBOLS else _RTLD_LOCAL)
    | (_RTLD_NODELETE if hints & LoadHint.PREVENT_UNLOAD else 0)
    for hints in range(32)
)
"""dlopen's mode for every combination of hints. Source: dlfcn.h of macOS."""


class MacosAdapter(DlfcnAdapter):
    """dlopen and dyld's list of images. ``system`` is libSystem; a test gives a pretended one."""

    platform = Platform.MACOS
    hints: LoadHint = LoadHint(11)  # dyld has no deep binding: two-level names make it the rule
    has_namespaces = False
    has_permission_bits = True
    searches_files = False
    unmaps = True

    def __init__(self, system: Any = None) -> None:
        system = ctypes.CDLL(None) if system is None else system
        self._dlopen = _typed(system["dlopen"], c_void_p, c_char_p, c_int)
        self._dlsym = _typed(system["dlsym"], c_void_p, c_void_p, c_char_p)
        self._dlclose = _typed(system["dlclose"], c_int, c_void_p)
        self._dlerror = _typed(system["dlerror"], c_char_p)
        self._dladdr = _typed(system["dladdr"], c_int, c_void_p, POINTER(DlInfo))
        self._count = _typed(system["_dyld_image_count"], c_uint32)
        self._name = _typed(system["_dyld_get_image_name"], c_char_p, c_uint32)
        self._header = _typed(system["_dyld_get_image_header"], c_void_p, c_uint32)

    def open(self, path: str, hints: int, namespace: int = BASE_NAMESPACE) -> Opened:
        if namespace != BASE_NAMESPACE:
            raise SystemRefused("dyld has no namespaces")
        before = self._images()
        handle = self._dlopen(os.fsencode(path), _MODES[hints])
        if not handle:
            raise SystemRefused(self._said())
        name, base = self._image_of(handle, path, before)
        return Opened(handle, name, base, base)

    def _image_of(self, handle: int, path: str, before: dict[str, int]) -> tuple[str, int]:
        """The image a handle stands for: the one whose own open, which loads nothing, gives the same handle.

        dyld offers no way from a handle to its image, but opening an image by its name gives its handle again.
        """
        images = self._images()
        likely = [name for name in images if name not in before or os.path.basename(name) == os.path.basename(path)]
        for name in (*likely, *images):
            again = self._dlopen(os.fsencode(name), _RTLD_LAZY | _RTLD_NOLOAD)
            if again:
                self._dlclose(again)
            if again == handle:
                return name, images[name]
        return path, 0

    def _images(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for index in range(self._count()):
            name = self._name(index)
            if name is not None:  # the list can shrink meanwhile: then the last are gone
                found.setdefault(decoded(name), self._header(index) or 0)
        return found

    def strengthen(self, opened: Opened, hints: int) -> None:
        handle = self._dlopen(os.fsencode(opened.path), _MODES[hints] | _RTLD_NOLOAD)
        if not handle:
            raise SystemRefused(self._said())
        self._dlclose(handle)

    def is_mapped(self, opened: Opened) -> bool:
        return self._images().get(opened.path) == opened.base

    def is_writable(self, address: int) -> bool:  # noqa: ARG002  the system is not asked
        return True

    def loaded(self) -> tuple[LoadedLibrary, ...]:
        return tuple(LoadedLibrary(name, base) for name, base in self._images().items())


def _typed(function: Any, restype: Any, *argtypes: Any) -> Any:
    function.restype = restype
    function.argtypes = argtypes
    return function
