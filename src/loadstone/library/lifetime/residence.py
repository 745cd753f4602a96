"""Why a library that was given back is still mapped: the system does not say, so its known reasons are looked through.

What its own bytes say is read by :mod:`loadstone.binary.residence`. Sources: glibc dl-close.c (objects in use); musl:
dlclose never unmaps.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from loadstone.binary import read
from loadstone.binary.residence import StayFacts, needed_names, needs, stay_facts
from loadstone.errors import LoadstoneError
from loadstone.escape import printable
from loadstone.files import FileStamp, file_stamp
from loadstone.library.hints import LoadHint

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from loadstone.library.adapters.base import Adapter, Opened

    Said = TypeVar("Said")

__all__ = ["why_resident"]


def why_resident(adapter: Adapter, opened: Opened, path: str, hints: int) -> str:
    """The reason a closed library stays, best known first. Reads files and the loader's list; runs nothing."""
    if not opened.path:
        return "it is the program itself"
    if hints & LoadHint.PREVENT_UNLOAD:
        return "it was loaded with the hint PREVENT_UNLOAD"
    name, facts = _remembered(_own, path) or (None, None)
    if facts is not None:
        if facts.no_delete:
            return "the file is marked never to be unloaded (DF_1_NODELETE)"
        if facts.unique_symbol:
            return f"it defines the unique symbol {printable(facts.unique_symbol, 120)} (STB_GNU_UNIQUE), which pins it"
    user = _user(adapter, opened, name)
    if user:
        return f"{printable(user)} needs it"
    if facts is not None and facts.has_thread_destructors:
        return "a thread-local object of it waits for its destructor, which runs when its thread ends"
    if not adapter.unmaps:
        return "this system's loader never unmaps a library"
    return "other code in this process has it open"


def _remembered(read_once: Callable[[str, FileStamp], Said], path: str) -> Said | None:
    """What was read of a file as it is now; None when it cannot tell: moved or removed since it was loaded."""
    try:
        return read_once(path, file_stamp(os.stat(path)))
    except (OSError, ValueError, LoadstoneError):
        return None


@lru_cache(maxsize=64)
def _own(path: str, _stamp: FileStamp) -> tuple[str | None, StayFacts]:
    """The name a library goes by, and what in it keeps it."""
    image = read(path)
    return image.identity, stay_facts(image)


@lru_cache(maxsize=512)
def _required(path: str, _stamp: FileStamp) -> frozenset[str]:
    """Kept for the next library that stays: what else is loaded is nearly the same then."""
    return needed_names(read(path))


def _user(adapter: Adapter, opened: Opened, name: str | None) -> str | None:
    """A loaded library, or the program, that names this one among its dependencies."""
    for other in adapter.loaded():
        required = _remembered(_required, other.path) if other.path != opened.path else None
        if required is not None and needs(required, name, opened.path):
            return other.path
    return None
