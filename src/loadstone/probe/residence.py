"""Why a library stayed mapped after unload: facts of its own bytes, and what was seen while it ran.

Sources: dlopen(3), glibc elf/dl-close.c (dl_map_used, l_nodelete_active, l_reldeps, l_tls_dtor_count), System V gABI
DT_FLAGS_1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from loadstone.binary import read
from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.image import Image, SymbolBinding
from loadstone.errors import LoadstoneError

__all__ = ["reasons"]


_EVERYBODYS = frozenset({"_end", "_edata", "_etext", "__bss_start", "_init", "_fini"})
"""What the linker defines in every library."""


def reasons(image: Image, kept: Sequence[str]) -> tuple[str, ...]:
    """Reasons, each marked certain or likely; ``kept`` are the files that came with the library and stayed mapped.

    >>> from loadstone.core.image import ByteOrder, Format, ImageKind, Machine
    >>> reasons(Image(path="x", format=Format.ELF, size=0, machine=Machine(62, "x86-64"), bits=64,
    ...               byte_order=ByteOrder.LITTLE, kind=ImageKind.SHARED), ())
    ('nothing in its bytes says why: likely the process keeps a reference (likely)',)
    """
    found = tuple(_reasons(image, kept))
    certain = tuple(reason for reason in found if reason.endswith("(certain)"))
    return certain or found or ("nothing in its bytes says why: likely the process keeps a reference (likely)",)


def _reasons(image: Image, kept: Sequence[str]) -> Iterator[str]:
    if isinstance(image.native, ElfFacts) and image.native.no_delete:
        yield "it is marked DF_1_NODELETE (certain)"
    unique = [s.name for s in image.symbols if s.binding is SymbolBinding.UNIQUE and s.defined]
    if unique:
        yield f"it defines the unique symbol {unique[0]}, which binds it to the process once bound (likely)"
    others = {path: other for path in kept if path != image.path and (other := _image(path)) is not None}
    holder = next((path for path, other in others.items() if _needs(other, image)), None)
    if holder is not None:
        yield f"{holder} needs it and is still loaded (certain)"
    elif user := next(_users(image, others), None):
        yield f"{user[0]} is still loaded, and uses its symbol {user[1]} (likely)"
    imported = {s.name for s in image.imports}
    if imported & {"__cxa_thread_atexit_impl", "__cxa_thread_atexit"}:
        yield "a thread-local object with a destructor holds it until its thread ends (likely)"
    if imported & {"dlopen", "dlmopen"}:
        yield "it calls dlopen, with which a library can open itself or ask to stay (likely)"
    if imported & {"pthread_create", "thrd_create"}:
        yield "it starts threads, and may hold itself while they run (likely)"


def _image(path: str) -> Image | None:
    try:
        return read(path)
    except LoadstoneError:  # anonymous names, and files removed since
        return None


def _needs(other: Image, image: Image) -> bool:
    names = {image.identity, os.path.basename(image.path or "")} - {None, ""}
    return any(os.path.basename(d.name) in names for d in other.needed)


def _users(image: Image, others: Mapping[str, Image]) -> Iterator[tuple[str, str]]:
    """Libraries that do not name it as needed, yet are bound to what it exports: they hold it (l_reldeps).

    They import it, or define it as well and came later, so that its definition was found first.
    """
    exported = {s.name for s in image.exports} - _EVERYBODYS
    for symbols in (attrgetter("imports"), attrgetter("exports")):
        for path, other in others.items():
            names = exported.intersection(s.name for s in symbols(other))
            yield from ((path, name) for name in sorted(names))
