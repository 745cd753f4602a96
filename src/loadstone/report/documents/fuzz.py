"""A fuzzing campaign as JSON: schema ``loadstone.fuzz/1``."""

from __future__ import annotations

import msgspec

from loadstone.core.fuzzing import CrashSite, FuzzFinding, FuzzReport, fuzz_claims
from loadstone.report.documents.claims import ClaimDocument, claim_document
from loadstone.report.json import Document

__all__ = ["FuzzDocument", "FuzzFindingDocument", "fuzz_document"]


class CrashFrameDocument(msgspec.Struct, frozen=True):
    """One frame inside the library: virtual address, function, offset in it."""

    address: int
    function: str
    offset: int


class FuzzFindingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One distinct way to break the function; ``inputs`` are hexadecimal, the last one shows it."""

    kind: str
    title: str
    stack_hash: str
    guard: str
    heap: str
    frames: list[CrashFrameDocument]
    inputs: list[str]
    run: int
    repeated: int
    tries: int
    folder: str
    detail: str
    words: str
    signal: str
    allocated: list[CrashFrameDocument]
    freed: list[CrashFrameDocument]


class FuzzDocument(Document, frozen=True, kw_only=True):
    """The campaign. ``flaky`` findings were seen once and not in every fresh process."""

    library: str
    sha256: str
    prototype: str
    seed: int
    stopped: str
    coverage: str
    seconds: float
    runs: int
    runs_per_s: float
    blocks: int
    blocks_total: int
    corpus: int
    findings: list[FuzzFindingDocument]
    flaky: list[FuzzFindingDocument]
    claims: list[ClaimDocument]
    observers: dict[str, str]
    layers: dict[str, str]
    folder: str
    loader_message: str


def fuzz_document(report: FuzzReport) -> FuzzDocument:
    """The campaign with every finding."""
    reached = report.progress
    return FuzzDocument(
        schema="loadstone.fuzz/1",
        library=report.library,
        sha256=report.sha256,
        prototype=report.prototype,
        seed=report.seed,
        stopped=report.stopped.value,
        coverage=report.level,
        seconds=round(reached.seconds, 3),
        runs=reached.runs,
        runs_per_s=round(reached.runs_per_s, 1),
        blocks=reached.blocks,
        blocks_total=reached.blocks_total,
        corpus=reached.corpus,
        findings=[_finding(found) for found in report.findings],
        flaky=[_finding(found) for found in report.flaky],
        claims=[claim_document(claim) for claim in fuzz_claims(report)],
        observers=dict(report.observers),
        layers=dict(report.layers),
        folder=report.folder,
        loader_message=report.loader_message,
    )


def _finding(found: FuzzFinding) -> FuzzFindingDocument:
    return FuzzFindingDocument(
        kind=found.kind,
        title=found.title,
        stack_hash=found.stack_hash,
        guard=found.guard,
        heap=found.heap,
        frames=_frames(found.frames),
        inputs=[data.hex() for data in found.inputs],
        run=found.run,
        repeated=found.repeated,
        tries=found.tries,
        folder=found.folder,
        detail=found.detail,
        words=found.words,
        signal=found.signal,
        allocated=_frames(found.allocated),
        freed=_frames(found.freed),
    )


def _frames(stack: tuple[CrashSite, ...]) -> list[CrashFrameDocument]:
    return [CrashFrameDocument(f.address, f.function, f.offset) for f in stack]
