"""The load configuration and thread-local storage: what the loader is told about protections, and early code.

Sources: "PE Format", sections "The Load Configuration Structure" and "The .tls Section"; winnt.h for the fields that
page does not list.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from loadstone.binary.pe.facts import Hybrid, LoadConfig
from loadstone.binary.pe.layout import MACHINE_AMD64, MACHINE_ARM64, MACHINE_I386, DirectoryIndex
from loadstone.binary.pe.view import PeView, integers
from loadstone.core.image import Initialiser

__all__ = ["hybrid_kind", "read_load_config", "read_tls_callbacks"]

_LARGEST: Final = 512  # the structure has grown from 64 to 320 bytes

# field: position in the 32-bit structure, its size there, position in the 64-bit one, its size there
_FIELDS: Final = {
    "dependent_load_flags": (54, 2, 78, 2),
    "security_cookie": (60, 4, 88, 8),
    "se_handler_table": (64, 4, 96, 8),
    "se_handlers": (68, 4, 104, 8),
    "guard_function_table": (80, 4, 128, 8),
    "guard_functions": (84, 4, 136, 8),
    "guard_flags": (88, 4, 144, 4),
    "hybrid_metadata": (124, 4, 200, 8),
    "guard_continuations": (168, 4, 272, 8),
}

# first and last address of the data, address of the index, address of the callback list, zero fill, flags
_TLS: Final = {32: Struct("<IIIIII"), 64: Struct("<QQQQII")}
_MAX_CALLBACKS: Final = 1024

_HYBRIDS: Final = {MACHINE_AMD64: Hybrid.ARM64EC, MACHINE_ARM64: Hybrid.ARM64X, MACHINE_I386: Hybrid.CHPE}


def read_load_config(view: PeView) -> LoadConfig | None:
    """The load configuration; its own size field, not the directory's, says how far it reaches."""
    entry = view.headers.directory(DirectoryIndex.LOAD_CONFIG)
    if entry is None:
        return None
    found = view.record("load configuration", Struct("<I"), entry.address, entry.entry_offset)
    if found is None:
        return None
    offset, (size,) = found
    stated = view.table("load configuration", entry.address, min(size, _LARGEST), entry.entry_offset)
    data = stated[1] if stated else b""
    wide = view.headers.bits == 64
    values = {}
    for name, (narrow_at, narrow_size, wide_at, wide_size) in _FIELDS.items():
        at, length = (wide_at, wide_size) if wide else (narrow_at, narrow_size)
        values[name] = int.from_bytes(data[at : at + length], "little") if at + length <= len(data) else 0
    flags_at = offset + _FIELDS["dependent_load_flags"][2 if wide else 0]
    return LoadConfig(offset=offset, size=size, dependent_load_flags_offset=flags_at, **values)


def hybrid_kind(machine: int, config: LoadConfig | None) -> Hybrid:
    """Which two processors the image holds code of: CHPE metadata says that it is hybrid, the header the rest."""
    if config is None or not config.hybrid_metadata:
        return Hybrid.NONE
    return _HYBRIDS.get(machine, Hybrid.NONE)


def read_tls_callbacks(view: PeView) -> tuple[Initialiser, ...]:
    """Functions called before the entry point, at load and at every thread start."""
    entry = view.headers.directory(DirectoryIndex.TLS)
    if entry is None:
        return ()
    found = view.record("thread-local storage", _TLS[view.headers.bits], entry.address, entry.entry_offset)
    if found is None or not found[1][3]:
        return ()
    address = view.relative(found[1][3])
    place = view.place(address)
    if place is None:
        view.damage.add("TLS callbacks", f"their list at {address:#x} is in no part of the file", found[0])
        return ()
    offset, room = place
    data = view.cursor.upto(offset, min(room, _MAX_CALLBACKS * view.word))
    pointers = integers("Q" if view.word == 8 else "I", data).tolist()
    if 0 not in pointers:
        view.damage.add("TLS callbacks", "their list is not terminated", offset)
    else:
        del pointers[pointers.index(0) :]
    return tuple(
        Initialiser("tls_callback", view.relative(pointer), "", offset + number * view.word)
        for number, pointer in enumerate(pointers)
    )
