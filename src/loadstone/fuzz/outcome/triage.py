"""Is a finding real? Try it again in fresh processes, then make it as small as it gets.

State may need more than one input, so first the sequence is cut to the inputs that matter, then the last input to the
bytes that matter, always keeping the same kind of failure at the same place. What does not repeat is kept as flaky.
One worker serves every try: a fresh child each, not a fresh interpreter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final, NamedTuple, Self

from loadstone.core.fuzzing import MEMORY_ERRORS, FuzzFinding
from loadstone.errors import ProbeFailed
from loadstone.fuzz.child.guarded_heap import FILL, OTHER_FILLS
from loadstone.fuzz.code.analyse import CodeMap
from loadstone.fuzz.link import Worker
from loadstone.fuzz.outcome.findings import finding_of, of_garbage
from loadstone.fuzz.plan import Heap, Job
from loadstone.fuzz.records import FindingRecord
from loadstone.fuzz.worker.garbage import DECIDED

__all__ = ["Replayer", "confirm", "shrink"]

TRIES: Final = 3
_MOST_S: Final = 30.0
"""Seconds that explaining and shrinking one finding may take; what has been found by then is told."""
_EXPLAINED: Final = 2000
"""Inputs before a finding, at most, that are run with a guarded heap to explain it: each costs many times its own."""
_SHRINK_TRIES: Final = 300
"""Tries, not seconds, end the shrinking of a finding: on a busy machine it comes out the same."""
_GUARDED: Final = (Heap.EXACT, Heap.ALIGNED, Heap.UNDER)
_CORRUPTING: Final = (
    "heap-buffer-overflow",
    "heap-use-after-free",
    "double-free",
    "bad-free",
    "stack-buffer-overflow",
    "global-buffer-overflow",
)
_KEEPING: Final = ("memory-leak", "out-of-memory")


class Placement(NamedTuple):
    """Where an input lies: right behind a guard page or before one, and with how many bytes of 0 behind it.

    ``fill`` is what fresh memory holds, where it is not what it always does.
    """

    at_start: bool = False
    slack: int = 0
    fill: int = -1


class Replayer:
    """Runs inputs once each in a fresh child of one worker. Use as a context manager; one thread."""

    def __init__(self, job: Job, code: CodeMap) -> None:
        self._job = replace(job, blocks=(), words=(), compares=(), compare_slots=(), replay=True)
        self._blocks = job.blocks
        self._code = code
        self._worker: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def replay(
        self, inputs: Sequence[bytes], heap: Heap, where: Placement, *, decided: bool = False
    ) -> FuzzFinding | None:
        """What happens when these inputs are run in order, in a fresh process; None when nothing does.

        ``decided``: only whether garbage decides which code the last of them runs.
        """
        limit = 2 * self._job.hang_s + 5 + len(inputs) / 500
        job = replace(self._job, inputs=tuple(inputs), heap=heap, time_s=limit, **where._asdict())
        if decided:
            job = replace(job, blocks=self._blocks)
        found: FuzzFinding | None = None
        done = False
        for record in self._worker_at(job).records(limit + 5):
            if isinstance(record, FindingRecord):
                found = finding_of(record, self._code)
        done = self._worker is not None and self._worker.done
        if not done:
            self._end()
        return found

    def _worker_at(self, job: Job) -> Worker:
        if self._worker is not None:
            try:
                self._worker.give(job)
            except ProbeFailed:
                self._end()
            else:
                return self._worker
        self._worker = Worker(job)
        return self._worker

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def confirm(again: Replayer, found: FuzzFinding, *, guarded: bool, limit_s: float = _MOST_S) -> FuzzFinding | None:
    """Reproduce ``found`` with as little as possible, then :data:`TRIES` times; the counts say how that went.

    After ``limit_s`` seconds it is explained and shrunk no further, but still tried. What a plain heap let happen late
    is looked at with a guarded one (``guarded``: there is one), and named as what that shows. What only the guarded
    heap shows, at no block of its, is believed where it goes with what fresh memory holds; else it is None: that is its
    doing, not the library's.
    """
    end = time.monotonic() + min(limit_s, _MOST_S)
    where = Placement(found.guard == "under", found.slack)
    garbage = False
    if found.heap != Heap.PLAIN and not _explained(found):
        plain = _first(again, found.inputs, Heap.PLAIN, where)
        if plain is not None:
            found = replace(plain, run=found.run)
        elif _goes_with_garbage(again, found, where):
            garbage = True
        else:
            return None
    if guarded and found.heap == Heap.PLAIN and not _explained(found):
        shown = _explain(again, found, where, end)
        garbage = shown is not found and not _explained(shown)
        found = shown
    smallest = _smallest(again, found, where, end)
    return of_garbage(smallest) if garbage else smallest


def _goes_with_garbage(again: Replayer, found: FuzzFinding, where: Placement) -> bool:
    """Whether the last input alone fails like this with the usual pattern in fresh memory, and not with another."""

    def shows(fill: int) -> bool:
        shown = again.replay(found.inputs[-1:], Heap(found.heap), where._replace(fill=fill))
        return shown is not None and shown.stack_hash == found.stack_hash

    return shows(FILL) and not all(shows(fill) for fill in OTHER_FILLS) and shows(FILL)


def _explained(found: FuzzFinding) -> bool:
    return found.kind in (*MEMORY_ERRORS, "descriptor-leak", "exit", "hang", "check", "stack-overflow")


def _first(again: Replayer, inputs: Sequence[bytes], heap: Heap, where: Placement) -> FuzzFinding | None:
    """What the last input does alone, else what all of them do."""
    for tried in (inputs[-1:], inputs) if len(inputs) > 1 else (inputs,):
        shown = again.replay(tried, heap, where)
        if shown is not None:
            return shown
    return None


def _explain(again: Replayer, found: FuzzFinding, where: Placement, end: float) -> FuzzFinding:
    """The error in the use of memory that is behind a crash of a plain heap; the crash itself where there is none."""
    kinds = _KEEPING if found.kind == "memory" else (*_CORRUPTING, "out-of-memory")
    alone = found.kind == "memory" or again.replay(found.inputs[-1:], Heap.PLAIN, where) is not None
    for inputs in (found.inputs[-1:],) if alone else (found.inputs[-1:], found.inputs[-_EXPLAINED:]):
        for heap in _GUARDED:
            if time.monotonic() > end:  # what it did before is long
                return found
            shown = again.replay(inputs, heap, where)
            if shown is not None and shown.kind in kinds:
                return replace(shown, run=found.run)
            crashed = shown is not None and not _explained(shown) and shown.kind != "memory"
            if shown is not None and crashed and len(inputs) == 1 and _goes_with_garbage(again, shown, where):
                return replace(shown, run=found.run)
    return found


def _smallest(again: Replayer, found: FuzzFinding, where: Placement, end: float) -> FuzzFinding:
    """The finding with the fewest calls and the shortest input that show it, as its last replay saw it."""
    last = found
    left = _SHRINK_TRIES
    if (
        not found.frames and not found.allocated and found.kind in MEMORY_ERRORS
    ):  # only a replay knows the block's stack
        shown = _first(again, found.inputs, Heap(found.heap), where)
        if shown is not None and shown.kind == found.kind:
            last = found = replace(shown, run=found.run)

    def shows(inputs: Sequence[bytes]) -> bool:
        nonlocal last, left
        left -= 1
        shown = again.replay(inputs, Heap(found.heap), where, decided=found.detail == DECIDED)
        if shown is None or shown.stack_hash != found.stack_hash:
            return False
        last = shown
        return True

    def more() -> bool:
        return left > 0 and time.monotonic() < end

    sequence: Sequence[bytes] = found.inputs
    if shows(sequence[-1:]):
        sequence = sequence[-1:]
    elif not shows(sequence):
        return replace(found, repeated=0, tries=TRIES)
    else:
        sequence = _fewer(sequence, shows, more)
    smallest = shrink(sequence[-1], lambda data: shows((*sequence[:-1], data)), more)
    sequence = (*sequence[:-1], smallest)
    repeated = sum(shows(sequence) for _ in range(TRIES))
    return replace(last, inputs=tuple(sequence), run=found.run, repeated=repeated, tries=TRIES)


def _fewer(
    sequence: Sequence[bytes], shows: Callable[[Sequence[bytes]], bool], more: Callable[[], bool]
) -> Sequence[bytes]:
    """Leave out inputs before the last one, in halves and then singly, while the failure stays."""
    size = max(1, (len(sequence) - 1) // 2)
    while size and more():
        at = 0
        while at < len(sequence) - 1 and more():
            shorter = (*sequence[:at], *sequence[min(at + size, len(sequence) - 1) :])
            if shows(shorter):
                sequence = shorter
            else:
                at += size
        size //= 2
    return sequence


def shrink(data: bytes, shows: Callable[[bytes], bool], more: Callable[[], bool]) -> bytes:
    """The smallest input that still shows the failure: pieces left out by halving, then bytes made ``0``.

    Once ``more`` says no, the best so far is returned.
    """
    size = len(data) // 2
    while size and more():
        at = 0
        while at < len(data) and more():
            shorter = data[:at] + data[at + size :]
            if shows(shorter):
                data = shorter
            else:
                at += size
        size //= 2
    for at in range(len(data)):
        if not more():
            break
        plainer = data[:at] + b"0" + data[at + 1 :]
        if data[at : at + 1] != b"0" and shows(plainer):
            data = plainer
    return data
