"""What a worker says it found, as a value: addresses named, and a hash that tells one failure from another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from loadstone.core.fuzzing import CrashSite, FuzzFinding
from loadstone.escape import printable
from loadstone.fuzz.code.analyse import CodeMap
from loadstone.fuzz.records import FindingRecord
from loadstone.fuzz.worker.garbage import GARBAGE

__all__ = ["finding_of", "of_garbage"]

_STACK_DEPTH: Final = 5


def finding_of(found: FindingRecord, code: CodeMap) -> FuzzFinding:
    """What a worker found as a value, its addresses named."""
    frames, allocated, freed = (
        tuple(_site(code, address) for address in stack) for stack in (found.frames, found.allocated, found.freed)
    )
    detail = printable(found.detail)
    return FuzzFinding(
        kind=found.kind,
        stack_hash=_stack_hash(found.kind, found.guard, frames or allocated, detail),
        frames=frames,
        allocated=allocated,
        freed=freed,
        signal=found.signal,
        inputs=tuple(bytes.fromhex(text) for text in found.inputs),
        guard=found.guard,
        heap=found.heap,
        slack=found.slack,
        fault_address=found.fault,
        run=found.run,
        detail=detail,
        words=printable(found.words),
    )


def of_garbage(found: FuzzFinding) -> FuzzFinding:
    """A crash that goes with what fresh memory holds, by the name of its cause."""
    kind = GARBAGE
    stack_hash = hashlib.sha256(f"{kind}|{found.stack_hash}".encode()).hexdigest()[:12]
    return replace(found, kind=kind, stack_hash=stack_hash, detail="it crashes or not by what fresh memory holds")


def _site(code: CodeMap, address: int) -> CrashSite:
    function = code.function_at(address)
    if function is None:
        return CrashSite(address, "", 0)
    return CrashSite(address, function.name, address - function.address)


def _stack_hash(kind: str, guard: str, frames: Sequence[CrashSite], detail: str) -> str:
    """The same for the same kind of failure at the same place, in any process: by library offset, deepest frames."""
    if kind == "memory":  # it was noticed wherever it happened to be
        frames = ()
    deep = frames[:1] if kind in ("hang", "stack-overflow") else frames[:_STACK_DEPTH]
    if kind in ("hang", "stack-overflow"):  # wherever it was stopped, it is the same function that does not end
        deep = tuple(replace(f, address=f.address - f.offset, offset=0) for f in deep)
    said: Sequence[str] = detail.splitlines() if kind == "check" else ()
    if kind == "global-buffer-overflow":  # past which object, by however many bytes
        said = (detail.rpartition(" past ")[2],)
    text = "|".join((kind, guard, *(f"{f.address:x}" for f in deep), *said))
    return hashlib.sha256(text.encode()).hexdigest()[:12]
