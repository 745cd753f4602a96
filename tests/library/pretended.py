"""Pretended systems: what dyld and kernel32 do, as far as the adapters ask, in memory."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

__all__ = ["Dyld", "Kernel"]

BASE = 0x1000_0000


class Foreign:
    """A foreign function: callable, and its types can be set."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self.restype: Any = None
        self.argtypes: Any = None

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)


class Module:
    def __init__(self, path: str, base: int, symbols: dict[str, int]) -> None:
        self.path, self.base, self.symbols, self.count, self.pinned = path, base, symbols, 0, False


class System:
    """Files that can be loaded, and what is loaded."""

    def __init__(self, files: dict[str, dict[str, int]]) -> None:
        self.modules = {
            path: Module(path, BASE + number * 0x10000, symbols) for number, (path, symbols) in enumerate(files.items())
        }

    def mapped(self) -> list[Module]:
        return [m for m in self.modules.values() if m.count or m.pinned]

    def at(self, address: int | None) -> Module | None:
        return next((m for m in self.mapped() if m.base <= (address or 0) < m.base + 0x10000), None)

    def of_handle(self, handle: int) -> Module:
        return next(m for m in self.modules.values() if m.base == handle)


class Dyld:
    """libSystem, as a mapping of names to foreign functions."""

    def __init__(self, files: dict[str, dict[str, int]]) -> None:
        self.system = System(files)
        self.error: bytes | None = None
        self.modes: list[int] = []

    def __getitem__(self, name: str) -> Foreign:
        return Foreign(getattr(self, name.lstrip("_")))

    def dlopen(self, path: bytes, mode: int) -> int | None:
        module = self.system.modules.get(path.decode())
        if module is None or (mode & 0x10 and not (module.count or module.pinned)):
            self.error = b"dlopen(" + path + b", 0x0001): tried: '" + path + b"' (no such file)"
            return None
        self.modes.append(mode)
        module.count += 1
        module.pinned |= bool(mode & 0x80)
        return module.base

    def dlclose(self, handle: int) -> int:
        module = self.system.of_handle(handle)
        if not module.count:
            self.error = b"dlclose: invalid handle"
            return -1
        module.count -= 1
        return 0

    def dlsym(self, handle: int, name: bytes) -> int | None:
        offset = self.system.of_handle(handle).symbols.get(name.decode())
        if offset is None:
            self.error = b"dlsym(0x1, " + name + b"): symbol not found"
            return None
        return self.system.of_handle(handle).base + offset if offset else None

    def dlerror(self) -> bytes | None:
        said, self.error = self.error, None
        return said

    def dladdr(self, address: int, info: Any) -> int:
        module = self.system.at(address)
        if module is None:
            return 0
        info._obj.fname = module.path.encode()
        return 1

    def dyld_image_count(self) -> int:
        return len(self.system.mapped())

    def dyld_get_image_name(self, index: int) -> bytes:
        return self.system.mapped()[index].path.encode()

    def dyld_get_image_header(self, index: int) -> int:
        return self.system.mapped()[index].base


class Kernel:
    """kernel32; ``refuse_with`` makes the next load fail with that error."""

    def __init__(self, files: dict[str, dict[str, int]]) -> None:
        self.system = System(files)
        self.code = 0
        self.refuse_with = 0
        self.flags: list[int] = []
        self.asked: list[str] = []
        self.error_modes: list[int] = []

    def __getattr__(self, name: str) -> Foreign:
        return Foreign(getattr(type(self), f"_{name}").__get__(self))

    def last_error(self) -> int:
        return self.code

    def _fail(self, code: int) -> int:
        self.code = code
        return 0

    def _LoadLibraryExW(self, path: str, _file: None, flags: int) -> int:  # noqa: N802
        self.asked.append(path)
        self.flags.append(flags)
        if self.refuse_with:
            return self._fail(self.refuse_with)
        module = self.system.modules.get(path.removeprefix("\\\\?\\").lower())
        if module is None:
            return self._fail(126)
        module.count += 1
        return module.base

    def _FreeLibrary(self, handle: int) -> int:  # noqa: N802
        module = self.system.of_handle(handle)
        if not module.count:
            return self._fail(6)
        module.count -= 1
        return 1

    def _GetProcAddress(self, handle: int, name: bytes) -> int:  # noqa: N802
        offset = self.system.of_handle(handle).symbols.get(name.decode())
        return self._fail(127) if offset is None else handle + offset

    def _GetModuleFileNameW(self, handle: int, buffer: Any, size: int) -> int:  # noqa: N802
        module = self.system.at(handle)
        if module is None:
            return self._fail(126)
        if len(module.path) >= size:
            return size
        buffer.value = module.path
        return len(module.path)

    def _GetModuleHandleExW(self, flags: int, address: int, found: Any) -> int:  # noqa: N802
        module = self.system.at(address)
        if module is None:
            return self._fail(126)
        module.pinned |= bool(flags & 1)
        found._obj.value = module.base
        return 1

    def _SetThreadErrorMode(self, mode: int, before: Any) -> int:  # noqa: N802
        self.error_modes.append(mode)
        if before is not None:
            before._obj.value = 0x42
        return 1

    def _GetCurrentProcess(self) -> int:  # noqa: N802
        return -1

    def _K32EnumProcessModulesEx(self, _process: int, array: Any, size: int, needed: Any, _which: int) -> int:  # noqa: N802
        mapped = self.system.mapped()
        word = ctypes.sizeof(ctypes.c_void_p)
        needed._obj.value = len(mapped) * word
        for index, module in enumerate(mapped[: size // word]):
            array[index] = module.base
        return 1
