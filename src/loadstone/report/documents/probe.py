"""A probe's report as JSON."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from loadstone.core.observations import CrashRecord, LayerStatus, ObserverStatus, ProbeReport
from loadstone.report.json import Document

__all__ = ["ProbeDocument", "probe_document"]


class ObservationDocument(msgspec.Struct, frozen=True):
    """One thing seen: what, in which phase, who says so, and a sentence."""

    kind: str
    phase: str
    witness: str
    detail: str


class FrameDocument(msgspec.Struct, frozen=True):
    """A place in code; ``likely`` when it was found by scanning the stack."""

    address: int
    library: str
    offset: int
    symbol: str
    likely: bool


class CrashDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The signal that stopped the child, as its tracer saw it; ``address`` is the fault's."""

    signal: int
    name: str
    phase: str
    code: int | None
    address: int | None
    kind: str
    subject: str
    frames: list[FrameDocument]


class ProbeDocument(Document, frozen=True, kw_only=True):
    """What one probe saw. ``observers`` and ``layers`` map a name to ``active | degraded | unavailable[: reason]``."""

    outcome: str
    phase: str
    signal: int | None
    crash: CrashDocument | None
    observations: list[ObservationDocument]
    observers: dict[str, str]
    layers: dict[str, str]


def probe_document(report: ProbeReport) -> ProbeDocument:
    """The report, observations in the order they were made."""
    return ProbeDocument(
        schema="loadstone.probe/1",
        outcome=report.outcome.value,
        phase=report.phase.value,
        signal=report.signal,
        crash=_crash(report.crash),
        observations=[
            ObservationDocument(o.kind.value, o.phase.value, o.witness.value, o.detail) for o in report.observations
        ],
        observers=_statuses(report.observers),
        layers=_statuses(report.layers),
    )


def _statuses(statuses: Iterable[LayerStatus | ObserverStatus]) -> dict[str, str]:
    return {status.name: str(status) for status in statuses}


def _crash(crash: CrashRecord | None) -> CrashDocument | None:
    if crash is None:
        return None
    return CrashDocument(
        signal=crash.signal,
        name=crash.name,
        phase=crash.phase.value,
        code=crash.code,
        address=crash.address,
        kind=crash.kind,
        subject=crash.subject,
        frames=[FrameDocument(f.address, f.library, f.offset, f.symbol, f.likely) for f in crash.frames],
    )
