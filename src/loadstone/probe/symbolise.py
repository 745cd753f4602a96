"""Addresses of a crash to functions, by the dynamic symbols of the files they lie in. Reads files, runs nothing."""

from __future__ import annotations

import signal
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final

from loadstone.binary import read
from loadstone.core.image import Image, SymbolKind
from loadstone.core.observations import CrashRecord, Frame, Phase
from loadstone.errors import LoadstoneError

__all__ = ["crash_record", "function_at"]

_CODE: Final = (SymbolKind.FUNCTION, SymbolKind.IFUNC)
_FAR: Final = 64 << 10
"""Beyond this distance from a symbol without a size, an address is not taken to be in it."""


def function_at(image: Image, offset: int) -> tuple[str, SymbolKind] | None:
    """The exported function that holds the address ``offset`` (relative to where the image is loaded), if one does."""
    found = sorted(
        ((s.value, s.size, s.name, s.kind) for s in image.symbols if s.defined and s.kind in _CODE and s.value),
        key=lambda row: row[0],
    )
    at = bisect_right(found, offset, key=lambda row: row[0]) - 1
    if at < 0:
        return None
    value, size, name, kind = found[at]
    return (name, kind) if offset < value + (size or _FAR) else None


def crash_record(raw: dict[str, Any], subject: str) -> CrashRecord:
    """The tracer's record with names: ``raw`` as :func:`loadstone.probe.observers.crashes.look` made it."""
    images: dict[str, Image | None] = {}
    frames, kinds = [], []
    for position, (address, path, offset, likely) in enumerate(raw["frames"]):
        if path and path not in images:
            images[path] = _image(path)
        image = images.get(path)
        # A return address lies behind the call, which may be the last instruction of its function.
        known = function_at(image, offset - (1 if position else 0)) if image is not None else None
        frames.append(Frame(address, path, offset, known[0] if known else "", likely))
        kinds.append(known[1] if known else None)
    return CrashRecord(
        signal=raw["signal"],
        name=_name(raw["signal"]),
        phase=Phase(raw["phase"]),
        code=raw["code"],
        address=raw["address"],
        kind=_refined(raw["kind"], kinds),
        subject=subject,
        frames=tuple(frames),
    )


def _refined(kind: str, kinds: Sequence[SymbolKind | None]) -> str:
    """An IFUNC's resolver is what its symbol points at: code that runs while the library is still being relocated."""
    return f"{kind} in an IFUNC resolver".strip() if kinds and kinds[0] is SymbolKind.IFUNC else kind


def _image(path: str) -> Image | None:
    try:
        return read(path)
    except LoadstoneError:  # anonymous names such as [vdso], and files removed since
        return None


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
