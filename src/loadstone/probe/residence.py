"""Why a library stayed mapped after unload: facts of its own bytes, and what was seen while it ran.

Sources: dlopen(3), glibc elf/dl-close.c (dl_map_used, l_nodelete_active, l_tls_dtor_count), System V gABI DT_FLAGS_1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loadstone.binary import read
from loadstone.binary.elf.facts import ElfFacts
from loadstone.core.image import Image, SymbolBinding
from loadstone.errors import LoadstoneError

__all__ = ["reasons"]


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
    holders = [path for path in kept if _needs(path, image)]
    if holders:
        yield f"{holders[0]} needs it and is still loaded (certain)"
    imported = {s.name for s in image.imports}
    if imported & {"__cxa_thread_atexit_impl", "__cxa_thread_atexit"}:
        yield "a thread-local object with a destructor holds it until its thread ends (likely)"
    if imported & {"dlopen", "dlmopen"}:
        yield "it calls dlopen, with which a library can open itself or ask to stay (likely)"
    if imported & {"pthread_create", "thrd_create"}:
        yield "it starts threads, and may hold itself while they run (likely)"


def _needs(path: str, image: Image) -> bool:
    if image.identity is None or path == image.path:
        return False
    try:
        other = read(path)
    except LoadstoneError:
        return False
    return any(d.name == image.identity for d in other.needed)
