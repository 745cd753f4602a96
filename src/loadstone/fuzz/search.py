"""The search of a campaign: workers at one corpus, and what they have found so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Final

from loadstone.core.counting import counted
from loadstone.core.fuzzing import FuzzFinding, FuzzProgress, Stopped
from loadstone.errors import ProbeFailed
from loadstone.fuzz.code.analyse import CodeMap, Level
from loadstone.fuzz.link import Worker, listen
from loadstone.fuzz.outcome.corpus import Folder
from loadstone.fuzz.outcome.findings import finding_of
from loadstone.fuzz.plan import Campaign, Job
from loadstone.fuzz.records import (
    CannotLoad,
    FindingRecord,
    HookFailed,
    New,
    ProgressRecord,
    Ready,
    Record,
    RefusedRecord,
)

__all__ = ["Harvest", "Progress", "search"]

_GRACE_S: Final = 15.0
_MAX_DISTINCT: Final = 200
_SAMPLE_S: Final = 1.0
_MOST_KEPT: Final = 256 << 20
_OF_AN_INPUT: Final = 40
"""Bytes of memory that a bytes object takes beside what is in it, about."""

Progress = Callable[[FuzzProgress], None]


@dataclass(slots=True)
class Harvest:
    """What a running campaign has so far; one thread."""

    code: CodeMap
    corpus: list[bytes]
    folder: Folder | None = None
    started: float = field(default_factory=time.monotonic)
    last_new: float = field(default_factory=time.monotonic)
    found: dict[str, FuzzFinding] = field(default_factory=dict)
    reached: set[int] = field(default_factory=set)
    runs: dict[int, int] = field(default_factory=dict)
    forged: dict[int, int] = field(default_factory=dict)
    slow: dict[int, int] = field(default_factory=dict)
    beyond: int = 0
    kept: int = 0  # bytes of the findings' inputs
    curve: list[FuzzProgress] = field(default_factory=list)
    layers: tuple[tuple[str, str], ...] = ()
    observers: tuple[tuple[str, str], ...] = ()
    loader_message: str = ""
    hook_failed: str = ""
    refused: str = ""

    def watched_by(self) -> tuple[tuple[str, str], ...]:
        """The observers, and how much the children's own word is worth."""
        told = "active"
        if times := sum(self.forged.values()):
            told = f"degraded: the library wrote to what it shares with its tracer ({times} times); left out"
        if not self.observers:
            return ()
        slow = max(self.slow.values(), default=0)
        apart = (("slow inputs", f"active: {slow} kept apart, and not mutated"),) if slow else ()
        full = f"degraded: {_MAX_DISTINCT} different ones are kept; {counted(self.beyond, 'other failure')} not"
        kept = (("findings", full),) if self.beyond else ()
        return (*self.observers, ("child's records", told), *apart, *kept)

    def progress(self) -> FuzzProgress:
        """How far it is now."""
        now = time.monotonic()
        return FuzzProgress(
            seconds=now - self.started,
            runs=sum(self.runs.values()),
            blocks=len(self.reached),
            blocks_total=len(self.code.blocks) if self.code.level is not Level.NONE else 0,
            corpus=len(self.corpus),
            findings=len(self.found),
            since_new_s=now - self.last_new,
        )

    def take(self, who: int, record: Record | None, campaign: Campaign) -> None:
        """Note what the worker of that number said."""
        match record:
            case Ready():
                self.layers, self.observers = tuple(record.layers), tuple(record.observers)
            case New():
                self._take_input(bytes.fromhex(record.input), record.block)
            case FindingRecord():
                self.runs[who] = max(self.runs.get(who, 0), record.run)
                self._take_finding(finding_of(record, self.code), campaign)
            case HookFailed():
                self.hook_failed = record.text
            case ProgressRecord():
                self.runs[who], self.forged[who], self.slow[who] = record.runs, record.forged, record.slow
            case RefusedRecord():
                self.refused = record.text
            case CannotLoad():
                self.loader_message = record.text or f"died while loading (signal {record.signal})"

    def _take_input(self, data: bytes, block: int) -> None:
        self.reached.add(block)
        self.last_new = time.monotonic()
        if data != self.corpus[-1]:
            self.corpus.append(data)
            if self.folder:
                self.folder.save_input(data)

    def _take_finding(self, found: FuzzFinding, campaign: Campaign) -> None:
        if found.stack_hash in self.found:
            return
        if len(self.found) == _MAX_DISTINCT:
            self.beyond += 1
        else:
            self.found[found.stack_hash] = found = self._bounded(found)
            if self.folder:  # at once: nothing is lost when this process is killed now
                self.folder.first_sight(found, campaign)

    def _bounded(self, found: FuzzFinding) -> FuzzFinding:
        """With all inputs before it, as long as those of all findings are not too many to keep."""
        self.kept += sum(len(data) + _OF_AN_INPUT for data in found.inputs)
        return found if self.kept <= _MOST_KEPT else replace(found, inputs=found.inputs[-1:])

    def sample(self) -> FuzzProgress:
        """How far it is, kept for the curve and for `--status`."""
        now = self.progress()
        if not self.curve or now.seconds - self.curve[-1].seconds >= _SAMPLE_S:
            self.curve.append(now)
            if self.folder:
                self.folder.save_status(now, running=True)
        return now


def search(
    job: Job, homes: Sequence[str], code: CodeMap, folder: Folder | None, progress: Progress | None, campaign: Campaign
) -> tuple[Harvest, Stopped]:
    """Run a worker in each of the scratch folders until time is over, runs are done, or somebody interrupts.

    A worker that ends by itself takes nothing with it; the campaign goes on with the others.

    Raises :class:`ProbeFailed` when none came to its end, and nothing was found.
    """
    harvest = Harvest(code, list(job.inputs), folder)
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                Worker(replace(job, seed=job.seed + number, scratch=home, runs=-(-job.runs // len(homes))))
            )
            for number, home in enumerate(homes)
        ]
        try:
            for who, record in listen(workers, job.time_s + _GRACE_S):
                harvest.take(who, record, campaign)
                if isinstance(record, New):
                    for other in workers[:who] + workers[who + 1 :]:
                        other.share(bytes.fromhex(record.input), record.block)
                now = harvest.sample()
                if progress:
                    progress(now)
                if campaign.first and harvest.found:
                    return harvest, Stopped.FIRST
        except KeyboardInterrupt:
            return harvest, Stopped.INTERRUPTED
        return harvest, _ended(harvest, workers, Stopped.RUNS if job.runs else Stopped.TIME)


def _ended(harvest: Harvest, workers: Sequence[Worker], stopped: Stopped) -> Stopped:
    """Why the search is over, once no worker says anything any more."""
    for who, worker in enumerate(workers):
        harvest.forged[who] = harvest.forged.get(who, 0) + worker.forged
    if harvest.refused:
        return Stopped.NOT_RUN
    if harvest.loader_message:
        return Stopped.CANNOT_LOAD
    lost = [worker for worker in workers if not worker.done]
    if not lost or harvest.hook_failed:
        return stopped
    if len(lost) == len(workers) and not harvest.found:
        raise ProbeFailed(reason=f"the worker process ended by itself: {lost[0].last_words() or 'no words'}")
    return Stopped.LOST
