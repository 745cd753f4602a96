"""Why a library that was given back is still mapped: the system does not say, so its known reasons are looked through.

Sources: dlopen(3) "RTLD_NODELETE"; glibc dl-close.c (objects in use, thread-local destructors), dl-lookup.c (a unique
symbol pins its library); gABI DF_1_NODELETE; musl: dlclose never unmaps.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from loadstone.binary import read
from loadstone.core.image import Image, SymbolBinding
from loadstone.errors import LoadstoneError
from loadstone.escape import printable
from loadstone.library.hints import LoadHint

if TYPE_CHECKING:
    from loadstone.library.adapters.base import Adapter, Opened

__all__ = ["why_resident"]

_DF_1_NODELETE: Final = 0x8
_THREAD_EXIT: Final = ("__cxa_thread_atexit_impl", "__cxa_thread_atexit")


def why_resident(adapter: Adapter, opened: Opened, path: str, hints: int) -> str:
    """The reason a closed library stays, best known first. Reads files and the loader's list; runs nothing."""
    if not opened.path:
        return "it is the program itself"
    if hints & LoadHint.PREVENT_UNLOAD:
        return "it was loaded with the hint PREVENT_UNLOAD"
    image = _image(path)
    if image is not None:
        if getattr(image.native, "flags_1", 0) & _DF_1_NODELETE:
            return "the file is marked never to be unloaded (DF_1_NODELETE)"
        unique = next((s for s in image.symbols if s.binding is SymbolBinding.UNIQUE and s.defined), None)
        if unique is not None:
            return f"it defines the unique symbol {printable(unique.name, 120)} (STB_GNU_UNIQUE), which pins it"
    user = _user(adapter, opened, image)
    if user:
        return f"{printable(user)} needs it"
    if image is not None and any(image.symbols.positions(name) for name in _THREAD_EXIT):
        return "a thread-local object of it waits for its destructor, which runs when its thread ends"
    if not adapter.unmaps:
        return "this system's loader never unmaps a library"
    return "other code in this process has it open"


def _image(path: str) -> Image | None:
    try:
        return read(path)
    except LoadstoneError:  # moved or removed since it was loaded: then the file cannot tell
        return None


def _user(adapter: Adapter, opened: Opened, image: Image | None) -> str | None:
    """A loaded library, or the program, that names this one among its dependencies."""
    names = {os.path.basename(opened.path), image.identity if image else None}
    for other in adapter.loaded():
        if other.path == opened.path:
            continue
        theirs = _image(other.path)
        if theirs is not None and any(d.name in names for d in theirs.needed if d.required):
            return other.path
    return None
