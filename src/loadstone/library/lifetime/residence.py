"""Why a library that was given back is still mapped: the system does not say, so its known reasons are looked through.

What its own bytes say is read by :mod:`loadstone.binary.residence`. Sources: glibc dl-close.c (objects in use); musl:
dlclose never unmaps.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from loadstone.binary import read
from loadstone.binary.residence import StayFacts, needed_names, stay_facts
from loadstone.errors import LoadstoneError
from loadstone.escape import printable
from loadstone.files import FileStamp, file_stamp
from loadstone.library.hints import LoadHint
from loadstone.quick_dataclass import dataclass

if TYPE_CHECKING:
    from loadstone.library.adapters.base import Adapter, Opened

__all__ = ["why_resident"]


@dataclass(frozen=True, slots=True)
class _Said:
    """What a library's own bytes say: the name it goes by, those it cannot do without, and what keeps it mapped."""

    name: str
    needs: frozenset[str]
    stays: StayFacts


def why_resident(adapter: Adapter, opened: Opened, path: str, hints: int) -> str:
    """The reason a closed library stays, best known first. Reads files and the loader's list; runs nothing."""
    if not opened.path:
        return "it is the program itself"
    if hints & LoadHint.PREVENT_UNLOAD:
        return "it was loaded with the hint PREVENT_UNLOAD"
    said = _said(path)
    if said is not None:
        if said.stays.no_delete:
            return "the file is marked never to be unloaded (DF_1_NODELETE)"
        unique = said.stays.unique_symbol
        if unique:
            return f"it defines the unique symbol {printable(unique, 120)} (STB_GNU_UNIQUE), which pins it"
    user = _user(adapter, opened, said)
    if user:
        return f"{printable(user)} needs it"
    if said is not None and said.stays.has_thread_destructors:
        return "a thread-local object of it waits for its destructor, which runs when its thread ends"
    if not adapter.unmaps:
        return "this system's loader never unmaps a library"
    return "other code in this process has it open"


def _said(path: str) -> _Said | None:
    try:
        return _read(path, file_stamp(os.stat(path)))
    except (OSError, ValueError, LoadstoneError):  # moved or removed since it was loaded: then the file cannot tell
        return None


@lru_cache(maxsize=512)
def _read(path: str, _stamp: FileStamp) -> _Said:
    """Kept for the next library that stays: what else is loaded is nearly the same then."""
    image = read(path)
    return _Said(image.identity or "", needed_names(image), stay_facts(image))


def _user(adapter: Adapter, opened: Opened, said: _Said | None) -> str | None:
    """A loaded library, or the program, that names this one among its dependencies."""
    names = {said.name if said else "", os.path.basename(opened.path)} - {""}
    for other in adapter.loaded():
        theirs = _said(other.path) if other.path != opened.path else None
        if theirs is not None and not theirs.needs.isdisjoint(names):
            return other.path
    return None
