"""The CLR header: what a .NET assembly is made of. Sources: ECMA-335 II.25.3.3; dotnet/runtime readytorun.h."""

from __future__ import annotations

from struct import Struct
from typing import Final

from loadstone.binary.pe.facts import ClrHeader, ClrKind
from loadstone.binary.pe.layout import DirectoryIndex
from loadstone.binary.pe.view import PeView

__all__ = ["read_clr"]

# size, runtime version (2), metadata, flags, entry point, resources, strong name, code manager, fixups, jumps, native
_HEADER: Final = Struct("<IHHIIIIQQQQQII")
_IL_ONLY: Final = 0x1  # COMIMAGE_FLAGS_ILONLY
_METADATA: Final = Struct("<4s8xI")  # signature BSJB, versions and a reserved word, length of the text that follows
_MAX_VERSION: Final = 255


def read_clr(view: PeView) -> ClrHeader | None:
    """The header the data directory points to; its size field is read by nobody."""
    entry = view.headers.directory(DirectoryIndex.CLR)
    if entry is None:
        return None
    found = view.record("CLR header", _HEADER, entry.address, entry.entry_offset)
    if found is None:
        return None
    offset, (_, major, minor, metadata, _, flags, *_, native, _) = found
    place = view.place(native) if native else None
    ready = place is not None and view.cursor.upto(place[0], 3) == b"RTR"
    kind = ClrKind.READY_TO_RUN if ready else ClrKind.IL_ONLY if flags & _IL_ONLY else ClrKind.MIXED
    return ClrHeader(kind, flags, f"{major}.{minor}", _version(view, metadata), offset)


def _version(view: PeView, address: int) -> str:
    """The release of the runtime the metadata was written for (``v4.0.30319``); empty where it cannot be had."""
    place = view.place(address)
    head = view.cursor.upto(place[0], min(_METADATA.size + _MAX_VERSION, place[1])) if place else b""
    if not head.startswith(b"BSJB") or len(head) < _METADATA.size:
        return ""
    return head[_METADATA.size :].partition(b"\0")[0].decode("utf-8", "replace")
