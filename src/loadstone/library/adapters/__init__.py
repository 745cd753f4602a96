"""The one place of this package that asks which platform this is."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from importlib import import_module

from loadstone.errors import Unsupported
from loadstone.library.adapters.base import Adapter, LoadedLibrary, Opened, SystemRefused

TYPE_CHECKING = False  # typing is not imported for it: see tests/test_start_up.py
if TYPE_CHECKING:
    from typing import Final

__all__ = ["Adapter", "LoadedLibrary", "Opened", "SystemRefused", "adapter_for", "current"]

_ADAPTERS: Final = (
    ("linux", "linux", "LinuxAdapter"),
    ("freebsd", "linux", "LinuxAdapter"),
    ("openbsd", "linux", "LinuxAdapter"),
    ("netbsd", "linux", "LinuxAdapter"),
    ("darwin", "macos", "MacosAdapter"),
    ("win32", "windows", "WindowsAdapter"),
)
"""How ``sys.platform`` begins, the module here, the class in it. Only the platform's own is imported."""


def adapter_for(system: str) -> Adapter:
    """The adapter for a ``sys.platform``; one that refuses everything, with the reason, where there is none."""
    for prefix, module, name in _ADAPTERS:
        if system.startswith(prefix):
            made: Adapter = getattr(import_module(f"{__name__}.{module}"), name)()
            return made
    from loadstone.library.adapters.unsupported import UnsupportedAdapter  # noqa: PLC0415  as the others

    return UnsupportedAdapter(system)


@lru_cache(maxsize=1)
def current() -> Adapter:
    """The adapter of the platform this process runs on.

    Raises:
        Unsupported: in a subinterpreter. What the loader calls back finds its interpreter through PyGILState, which
            knows the main one only: the call would wait for ever (PEP 311; "Bugs and caveats" of the C API's
            sub-interpreters).
    """
    if not _in_main_interpreter():
        raise Unsupported(
            feature="loading libraries",
            reason="this is a subinterpreter, and ctypes callbacks run in the main interpreter only",
            advice="Load in the main interpreter, or in a process of its own.",
        )
    return adapter_for(sys.platform)


def _in_main_interpreter() -> bool:
    if sys.implementation.name != "cpython":
        return True  # only CPython has more than one in a process
    mine, main = (
        ctypes.PYFUNCTYPE(ctypes.c_void_p)((name, ctypes.pythonapi))()
        for name in ("PyInterpreterState_Get", "PyInterpreterState_Main")
    )
    return bool(mine == main)
