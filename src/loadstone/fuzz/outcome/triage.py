"""Is a finding real? Try it again in fresh processes, then make it as small as it gets.

State may need more than one input, so first the sequence is cut to the inputs that matter, then the last input to the
bytes that matter, always keeping the same kind of failure at the same place. What does not repeat is kept as flaky.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from loadstone.core.fuzzing import FuzzFinding
from loadstone.fuzz.code.analyse import CodeMap
from loadstone.fuzz.link import Worker
from loadstone.fuzz.outcome.findings import finding_of
from loadstone.fuzz.plan import Job
from loadstone.fuzz.records import FindingRecord

__all__ = ["confirm", "replay", "shrink"]

TRIES: Final = 3
_SHRINK_S: Final = 5.0


def replay(job: Job, inputs: Sequence[bytes], code: CodeMap, *, at_start: bool = False) -> FuzzFinding | None:
    """Run the inputs once each, in order, in a fresh process; what happened, or None when nothing did."""
    limit = job.hang_s + 5 + len(inputs) / 1000
    once = replace(job, inputs=tuple(inputs), blocks=(), words=(), replay=True, at_start=at_start, time_s=limit)
    with Worker(once) as worker:
        for record in worker.records(once.time_s + 5):
            if isinstance(record, FindingRecord):
                return finding_of(record, code, job.heap)
    return None


def confirm(job: Job, found: FuzzFinding, code: CodeMap) -> FuzzFinding:
    """Reproduce ``found`` with as little as possible, then :data:`TRIES` times; the counts say how that went."""

    def shows(inputs: Sequence[bytes]) -> bool:
        again = replay(job, inputs, code, at_start=found.guard == "under")
        return again is not None and again.stack_hash == found.stack_hash

    end = time.monotonic() + _SHRINK_S
    sequence: Sequence[bytes] = found.inputs
    if shows(sequence[-1:]):
        sequence = sequence[-1:]
    elif not shows(sequence):
        return replace(found, repeated=0, tries=TRIES)
    else:
        sequence = _fewer(sequence, shows, end)
    smallest = shrink(sequence[-1], lambda data: shows((*sequence[:-1], data)), end)
    sequence = (*sequence[:-1], smallest)
    repeated = sum(shows(sequence) for _ in range(TRIES))
    return replace(found, inputs=tuple(sequence), repeated=repeated, tries=TRIES)


def _fewer(sequence: Sequence[bytes], shows: Callable[[Sequence[bytes]], bool], end: float) -> Sequence[bytes]:
    """Leave out inputs before the last one, in halves and then singly, while the failure stays."""
    size = max(1, (len(sequence) - 1) // 2)
    while size and time.monotonic() < end:
        at = 0
        while at < len(sequence) - 1 and time.monotonic() < end:
            shorter = (*sequence[:at], *sequence[min(at + size, len(sequence) - 1) :])
            if shows(shorter):
                sequence = shorter
            else:
                at += size
        size //= 2
    return sequence


def shrink(data: bytes, shows: Callable[[bytes], bool], end: float) -> bytes:
    """The smallest input that still shows the failure: pieces left out by halving, then bytes made ``0``.

    ``end`` is a monotonic time in seconds after which the best so far is returned.
    """
    size = len(data) // 2
    while size and time.monotonic() < end:
        at = 0
        while at < len(data) and time.monotonic() < end:
            shorter = data[:at] + data[at + size :]
            if shows(shorter):
                data = shorter
            else:
                at += size
        size //= 2
    for at in range(len(data)):
        if time.monotonic() >= end:
            break
        plainer = data[:at] + b"0" + data[at + 1 :]
        if data[at : at + 1] != b"0" and shows(plainer):
            data = plainer
    return data
