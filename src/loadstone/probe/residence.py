"""Why a library stayed mapped after unload: facts of its own bytes, and what was seen while it ran.

Sources: dlopen(3), glibc elf/dl-close.c (dl_map_used, l_nodelete_active, l_reldeps, l_tls_dtor_count), System V gABI
DT_FLAGS_1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from loadstone.binary import read
from loadstone.binary.residence import needed_names, needs, stay_facts
from loadstone.core.image import Image
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
    facts = stay_facts(image)
    if facts.no_delete:
        yield "it is marked DF_1_NODELETE (certain)"
    if facts.unique_symbol:
        yield f"it defines the unique symbol {facts.unique_symbol}, which binds it to the process once bound (likely)"
    others = {path: other for path in kept if path != image.path and (other := _image(path)) is not None}
    holder = next(
        (path for path, other in others.items() if needs(needed_names(other), image.identity, image.path or "")), None
    )
    if holder is not None:
        yield f"{holder} needs it and is still loaded (certain)"
    elif user := next(_users(image, others), None):
        yield f"{user[0]} is still loaded, and uses its symbol {user[1]} (likely)"
    imported = {s.name for s in image.imports}
    if facts.has_thread_destructors:
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


def _users(image: Image, others: Mapping[str, Image]) -> Iterator[tuple[str, str]]:
    """Libraries that do not name it as needed, yet are bound to what it exports: they hold it (l_reldeps).

    They import it, or define it as well and came later, so that its definition was found first.
    """
    exported = {s.name for s in image.exports} - _EVERYBODYS
    for symbols in (attrgetter("imports"), attrgetter("exports")):
        for path, other in others.items():
            names = exported.intersection(s.name for s in symbols(other))
            yield from ((path, name) for name in sorted(names))
