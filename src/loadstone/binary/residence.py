"""What in its own bytes keeps a library mapped after its last close: one copy for loading and for probing.

Sources: dlopen(3) "RTLD_NODELETE"; System V gABI DF_1_NODELETE; glibc elf/dl-lookup.c (a unique symbol pins its
library), dl-close.c (thread-local destructors).
"""

from __future__ import annotations

import os
from typing import Final

from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.image import Image, SymbolBinding
from loadstone.quick_dataclass import dataclass

__all__ = ["StayFacts", "needed_names", "needs", "stay_facts"]

_THREAD_EXIT: Final = frozenset(("__cxa_thread_atexit_impl", "__cxa_thread_atexit"))


@dataclass(frozen=True, slots=True)
class StayFacts:
    """``no_delete``: marked never to be unloaded; ``unique_symbol``: the name of one, or "" without any.

    ``has_thread_destructors``: objects of threads in it end with their threads, and hold it until then.
    """

    no_delete: bool
    unique_symbol: str
    has_thread_destructors: bool


def stay_facts(image: Image) -> StayFacts:
    """The facts of one image. Pure."""
    unique = (s.name for s in image.symbols if s.binding is SymbolBinding.UNIQUE and s.defined)
    return StayFacts(
        no_delete=isinstance(image.native, ElfFacts) and image.native.no_delete,
        unique_symbol=next(unique, ""),
        has_thread_destructors=any(s.name in _THREAD_EXIT for s in image.imports),
    )


def needed_names(image: Image) -> frozenset[str]:
    """The base names of what an image cannot do without."""
    return frozenset(os.path.basename(d.name) for d in image.needed if d.required)


def needs(required: frozenset[str], name: str | None, path: str) -> bool:
    """Whether one that cannot do without ``required`` names the library that goes by ``name``, the file at ``path``."""
    return not required.isdisjoint({name, os.path.basename(path)} - {None, ""})
