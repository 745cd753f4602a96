"""A probe's report as JSON."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from loadstone.core.observations import CrashRecord, LayerStatus, ObserverStatus, ProbeReport, Soak, StackFrame
from loadstone.report.json import Document

__all__ = ["ProbeDocument", "probe_document"]


class ObservationDocument(msgspec.Struct, frozen=True):
    """One thing seen: what, in which phase, who says so, and a sentence."""

    kind: str
    phase: str
    witness: str
    detail: str


class StackFrameDocument(msgspec.Struct, frozen=True):
    """A place in code; ``likely`` when it was found by scanning the stack."""

    address: int
    library: str
    offset: int
    symbol: str
    likely: bool


class ThreadDocument(msgspec.Struct, frozen=True):
    """Where a thread was when the time limit ended the process."""

    main: bool
    name: str
    does: str
    frames: list[StackFrameDocument]


class ObjectDocument(msgspec.Struct, frozen=True):
    """A file the loader brought with the library, the loader's name for it, and where it was in that run."""

    path: str
    name: str
    base: int
    namespace: int


class CrashDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The signal that stopped the child, as its tracer saw it; ``address`` is the fault's."""

    signal: int
    name: str
    phase: str
    code: int | None
    address: int | None
    kind: str
    subject: str
    frames: list[StackFrameDocument]


class TrendDocument(msgspec.Struct, frozen=True):
    """How much of one thing was in use at the first and the last look, and how much more with every cycle."""

    quantity: str
    unit: str
    witness: str
    first: int
    last: int
    slope: float
    grows: bool


class SoakDocument(msgspec.Struct, frozen=True):
    """Many cycles of load and unload: ``leaks | level | cannot tell``, and what that rests on."""

    verdict: str
    cycles: int
    asked: int
    trends: list[TrendDocument]


class ProbeDocument(Document, frozen=True, kw_only=True):
    """What one probe saw. ``observers`` and ``layers`` map a name to ``active | degraded | unavailable[: reason]``."""

    outcome: str
    phase: str
    signal: int | None
    crash: CrashDocument | None
    observations: list[ObservationDocument]
    observers: dict[str, str]
    layers: dict[str, str]
    soak: SoakDocument | None
    stacks: list[ThreadDocument]
    objects: list[ObjectDocument]


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
        soak=_soak(report.soak),
        stacks=[ThreadDocument(t.main, t.name, t.does, _frames(t.frames)) for t in report.stacks],
        objects=[ObjectDocument(o.path, o.name, o.base, o.namespace) for o in report.objects],
    )


def _statuses(statuses: Iterable[LayerStatus | ObserverStatus]) -> dict[str, str]:
    return {status.name: str(status) for status in statuses}


def _soak(soak: Soak | None) -> SoakDocument | None:
    if soak is None:
        return None
    trends = [
        TrendDocument(t.quantity, t.unit, t.witness.value, t.first, t.last, t.slope, t.grows) for t in soak.trends
    ]
    return SoakDocument(soak.verdict, soak.cycles, soak.asked, trends)


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
        frames=_frames(crash.frames),
    )


def _frames(frames: Iterable[StackFrame]) -> list[StackFrameDocument]:
    return [StackFrameDocument(f.address, f.library, f.offset, f.symbol, f.likely) for f in frames]
