"""Why a library that was given back is still mapped: the system does not say, so its known reasons are looked through.

What its own bytes say is read by :mod:`loadstone.binary.residence`. Sources: glibc dl-close.c (objects in use); musl:
dlclose never unmaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadstone.binary import read
from loadstone.binary.residence import needs, stay_facts
from loadstone.core.image import Image
from loadstone.errors import LoadstoneError
from loadstone.escape import printable
from loadstone.library.hints import LoadHint

if TYPE_CHECKING:
    from loadstone.library.adapters.base import Adapter, Opened

__all__ = ["why_resident"]


def why_resident(adapter: Adapter, opened: Opened, path: str, hints: int) -> str:
    """The reason a closed library stays, best known first. Reads files and the loader's list; runs nothing."""
    if not opened.path:
        return "it is the program itself"
    if hints & LoadHint.PREVENT_UNLOAD:
        return "it was loaded with the hint PREVENT_UNLOAD"
    image = _image(path)
    if image is not None:
        facts = stay_facts(image)
        if facts.no_delete:
            return "the file is marked never to be unloaded (DF_1_NODELETE)"
        if facts.unique_symbol:
            return f"it defines the unique symbol {printable(facts.unique_symbol, 120)} (STB_GNU_UNIQUE), which pins it"
    user = _user(adapter, opened, image)
    if user:
        return f"{printable(user)} needs it"
    if image is not None and stay_facts(image).has_thread_destructors:
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
    for other in adapter.loaded():
        if other.path == opened.path:
            continue
        theirs = _image(other.path)
        if theirs is not None and needs(theirs, image, opened.path):
            return other.path
    return None
