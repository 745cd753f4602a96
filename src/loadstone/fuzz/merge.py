"""A corpus cut down: the smallest inputs first, each kept for a block that no smaller one reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from loadstone.errors import ProbeFailed
from loadstone.fuzz.link import Worker
from loadstone.fuzz.plan import Heap, Job
from loadstone.fuzz.records import CannotLoad, FindingRecord, New, RefusedRecord

__all__ = ["minimised"]

_INPUT_S = 0.01


def minimised(job: Job, inputs: Sequence[bytes]) -> list[bytes]:
    """The inputs that are needed to reach what all of them reach.

    One that ends the process is left out: it is a finding, and no seed.

    Raises :class:`ProbeFailed` when the library cannot be loaded, or no worker could be started.
    """
    left = sorted(dict.fromkeys(inputs), key=lambda data: (len(data), data))
    blocks = dict(job.blocks)
    kept: dict[bytes, list[int]] = {}
    while left:
        limit = 2 * job.hang_s + 10 + len(left) * _INPUT_S
        once = replace(
            job, blocks=tuple(blocks.items()), inputs=tuple(left), replay=True, heap=Heap.PLAIN, time_s=limit,
            compares=(), compare_slots=(),
        )  # fmt: skip
        ran = len(left)
        reached: dict[bytes, list[int]] = {}
        with Worker(once) as worker:
            for record in worker.records(limit + 5):
                if isinstance(record, New):
                    reached.setdefault(bytes.fromhex(record.input), []).append(record.block)
                elif isinstance(record, FindingRecord):
                    ran = len(record.inputs)
                    reached.pop(bytes.fromhex(record.inputs[-1]), None)  # others may reach the same, and go on
                elif isinstance(record, CannotLoad | RefusedRecord):
                    raise ProbeFailed(reason=record.text or "the library could not be loaded")
        left = left[ran:]
        kept |= reached
        for address in chain(*reached.values()):
            blocks.pop(address, None)
    return list(kept)
