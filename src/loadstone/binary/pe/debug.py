"""The debug directory: where the program database is, and protections noted there.

Source: "PE Format", section ".debug Section". The CodeView records RSDS (PDB 7.0) and NB10 (PDB 2.0) are described in
LLVM's documentation of the PDB format ("The PDB Info Stream").
"""

from __future__ import annotations

import uuid
from struct import Struct
from typing import Final

from loadstone.binary.pe.facts import DebugEntry, PdbReference
from loadstone.binary.pe.layout import DirectoryIndex
from loadstone.binary.pe.view import PeView

__all__ = ["build_id", "read_debug", "read_extended_characteristics", "read_pdb"]

_ENTRY: Final = Struct("<IIHHIIII")  # flags timestamp major minor kind size address offset
_RSDS: Final = Struct("<4s16sI")  # signature, GUID, age; then the path
_NB10: Final = Struct("<4sIII")  # signature, offset, timestamp, age; then the path
_MAX_ENTRIES: Final = 64
_MAX_PATH: Final = 4096
_CODEVIEW, _EXTENDED_CHARACTERISTICS = 2, 20

_KINDS: Final = {
    1: "COFF",
    _CODEVIEW: "CodeView",
    3: "FPO",
    4: "misc",
    5: "exception",
    9: "Borland",
    12: "VC feature",
    13: "POGO",
    14: "ILTCG",
    15: "MPX",
    16: "reproducible",
    17: "embedded PDB",
    19: "PDB checksum",
    _EXTENDED_CHARACTERISTICS: "extended DLL characteristics",
}


def read_debug(view: PeView) -> tuple[DebugEntry, ...]:
    """The entries of the debug directory."""
    found = view.directory(DirectoryIndex.DEBUG)
    if found is None:
        return ()
    offset, data = found
    if len(data) > _MAX_ENTRIES * _ENTRY.size:
        view.damage.add("debug directory", f"more than {_MAX_ENTRIES} entries", offset)
    whole = min(len(data) // _ENTRY.size, _MAX_ENTRIES) * _ENTRY.size
    return tuple(
        DebugEntry(
            kind, _KINDS.get(kind, f"kind {kind}"), stamp, view.cursor.start + at, size, offset + n * _ENTRY.size
        )
        for n, (_, stamp, _, _, kind, size, _, at) in enumerate(_ENTRY.iter_unpack(data[:whole]))
    )


def read_pdb(view: PeView, entries: tuple[DebugEntry, ...]) -> PdbReference | None:
    """The program database of the first CodeView entry that names one."""
    for entry in entries:
        if entry.kind == _CODEVIEW:
            data = view.cursor.upto(entry.offset, min(entry.size, _MAX_PATH))
            if data.startswith(b"RSDS") and len(data) >= _RSDS.size:
                _, guid, age = _RSDS.unpack_from(data)
                return PdbReference(_path(data[_RSDS.size :]), str(uuid.UUID(bytes_le=guid)), age, entry.offset)
            if data.startswith(b"NB10") and len(data) >= _NB10.size:
                _, _, stamp, age = _NB10.unpack_from(data)
                return PdbReference(_path(data[_NB10.size :]), f"{stamp:08x}", age, entry.offset)
            view.damage.add("debug directory", "a CodeView record of no known kind, or cut off", entry.entry_offset)
    return None


def _path(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def build_id(pdb: PdbReference | None) -> str | None:
    """The key a symbol server files the program database under: GUID without dashes, then the age, in hex.

    >>> build_id(PdbReference("a.pdb", "12345678-1234-1234-1234-123456789abc", 1, 0))
    '12345678123412341234123456789abc1'
    """
    return None if pdb is None else f"{pdb.guid.replace('-', '')}{pdb.age:x}"


def read_extended_characteristics(view: PeView, entries: tuple[DebugEntry, ...]) -> tuple[int, int] | None:
    """The extended DLL characteristics and their offset; None when the image has none."""
    for entry in entries:
        if entry.kind == _EXTENDED_CHARACTERISTICS:
            data = view.cursor.upto(entry.offset, 4)
            if len(data) == 4:
                return int.from_bytes(data, "little"), entry.offset
            view.damage.add("debug directory", "the extended DLL characteristics are cut off", entry.entry_offset)
    return None
