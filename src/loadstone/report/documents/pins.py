"""Pins, and what became of them, as JSON."""

from __future__ import annotations

import msgspec

from loadstone.core.pins import Pin, PinCheck, PinState
from loadstone.report.json import Document

__all__ = ["PinsDocument", "VerificationDocument", "pins_document", "verification_document"]


class PinDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One pinned library."""

    name: str
    path: str
    sha256: str
    size: int
    build_id: str
    needed: list[str]


class PinsDocument(Document, frozen=True, kw_only=True):
    """A pin file."""

    libraries: list[PinDocument]


class CheckDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One pin compared with the file as it is now. ``actual`` is the digest found, or why there is none."""

    name: str
    path: str
    state: str
    pinned: str
    actual: str


class VerificationDocument(Document, frozen=True, kw_only=True):
    """Every pin compared. ``unchanged`` is true when all are what they were."""

    unchanged: bool
    libraries: list[CheckDocument]


def pins_document(pins: tuple[Pin, ...]) -> PinsDocument:
    """The pins, in the order the loader would load them."""
    rows = [
        PinDocument(name=p.name, path=p.path, sha256=p.sha256, size=p.size, build_id=p.build_id, needed=list(p.needed))
        for p in pins
    ]
    return PinsDocument(schema="loadstone.pins/1", libraries=rows)


def verification_document(checks: tuple[PinCheck, ...]) -> VerificationDocument:
    """The comparison, in the order of the pin file."""
    rows = [
        CheckDocument(name=c.pin.name, path=c.pin.path, state=c.state.value, pinned=c.pin.sha256, actual=c.actual)
        for c in checks
    ]
    return VerificationDocument(
        schema="loadstone.verification/1",
        unchanged=all(c.state is PinState.UNCHANGED for c in checks),
        libraries=rows,
    )
