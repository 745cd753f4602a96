"""A campaign from start to report: analyse, run the worker, keep what it finds, and try every finding again.

The parent reads bytes, writes files and decides; the worker runs; nothing of the library is ever in this process.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from loadstone.binary import read
from loadstone.binary.cursor import Cursor
from loadstone.binary.elf.link_symbols import read_link_symbols
from loadstone.core.fuzzing import FuzzFinding, FuzzProgress, FuzzReport, Stopped
from loadstone.errors import InvalidConfiguration, ProbeFailed, Unreadable, Unsupported
from loadstone.files import read_bytes
from loadstone.fuzz.child.guarded_heap import ALLOCATORS
from loadstone.fuzz.code.analyse import CodeMap, Level, analyse
from loadstone.fuzz.code.compare import COMPARERS
from loadstone.fuzz.code.slots import import_slots
from loadstone.fuzz.link import Worker
from loadstone.fuzz.outcome.corpus import Folder
from loadstone.fuzz.outcome.findings import finding_of
from loadstone.fuzz.outcome.triage import Replayer, confirm
from loadstone.fuzz.parts import SEPARATOR
from loadstone.fuzz.plan import CallPlan, Campaign, Heap, Job
from loadstone.fuzz.records import (
    CannotLoad,
    Done,
    FindingRecord,
    HookFailed,
    New,
    ProgressRecord,
    Ready,
    Record,
    RefusedRecord,
)
from loadstone.probe.readable import readable_for
from loadstone.probe.scratch import Scratch, home_of_scratch

__all__ = ["run_campaign"]

_HEAP: Final = {
    Heap.MIXED: "active: every other child's is guarded, in three ways in turn",
    Heap.PLAIN: "degraded: not guarded, so that only heap errors that end the process are seen; --heap mixed guards it",
    Heap.EXACT: "active: guarded to the byte",
    Heap.ALIGNED: "active: guarded to 16 bytes, with a pattern between",
    Heap.UNDER: "active: guarded before each block",
}
_GRACE_S: Final = 15.0
_MAX_DISTINCT: Final = 200

Progress = Callable[[FuzzProgress], None]


@dataclass(slots=True)
class _Harvest:
    """What a running campaign has so far; one thread."""

    started: float
    corpus: list[bytes]
    found: dict[str, FuzzFinding] = field(default_factory=dict)
    runs: int = 0
    blocks: int = 0
    last_new: float = 0.0
    layers: tuple[tuple[str, str], ...] = ()
    observers: tuple[tuple[str, str], ...] = ()
    loader_message: str = ""
    hook_failed: str = ""
    forged: int = 0
    refused: str = ""

    def watched_by(self) -> tuple[tuple[str, str], ...]:
        """The observers, and how much the child's own word is worth."""
        told = "active"
        if self.forged:
            told = f"degraded: the library wrote to what it shares with its tracer ({self.forged} times); left out"
        return (*self.observers, ("child's records", told)) if self.observers else ()


def run_campaign(campaign: Campaign, progress: Progress | None = None) -> FuzzReport:
    """Fuzz, then confirm and shrink every finding.

    ``progress`` is called about once a second from this thread. KeyboardInterrupt ends the search, not the report.

    Raises:
        ProbeFailed: no worker could be started, or it died by itself.
        Unsupported: this is not Linux.
        InvalidConfiguration: a hook raised an exception.
        Unreadable, MalformedImage: the library, or the hooks, cannot be read.
    """
    here: str = sys.platform  # as a value: what follows is checked for every platform
    if not here.startswith("linux"):
        raise Unsupported(
            feature="fuzzing",
            reason=f"the child cannot be confined and watched on {sys.platform} yet",
            advice="Fuzz on Linux, or write a harness for another fuzzer with --export.",
        )
    with Cursor.open(campaign.library) as cursor:
        content = cursor.bytes(0, cursor.size)
    image = read(content)
    code = analyse(image, content).with_names(read_link_symbols(campaign.library))
    folder = Folder(campaign.folder) if campaign.folder else None
    seeds = tuple(dict.fromkeys((*campaign.seeds, *(folder.inputs() if folder else ()), b"", bytes(16))))
    first = min((s.address for s in image.segments if s.kind == "LOAD"), default=0)
    with Scratch(home_of_scratch(), purpose="fuzz") as scratch:
        job = Job(
            library=os.path.abspath(campaign.library),
            calls=campaign.calls,
            blocks=code.blocks,
            first_address=first,
            inputs=seeds,
            words=tuple(dict.fromkeys((*campaign.words, *_separators(campaign.calls), *code.words))),
            seed=campaign.seed,
            max_size=campaign.max_size,
            time_s=campaign.time_s,
            runs=campaign.runs,
            hang_s=campaign.hang_s,
            heap=campaign.heap,
            heap_slots=import_slots(image, content, ALLOCATORS),
            compares=code.compares,
            compare_slots=import_slots(image, content, COMPARERS),
            hooks=_text(campaign.hooks) if campaign.hooks else "",
            scratch=scratch.home,
            require=campaign.require,
            readable=readable_for(campaign.library, image, campaign.allow_read),
        )
        harvest, stopped = _search(job, code, folder, progress, first=campaign.first)
        if harvest.hook_failed:
            raise InvalidConfiguration(
                path=campaign.hooks, reason=harvest.hook_failed, advice="Mend the hook, or leave it out."
            )
        reached = _progress(harvest, code)
        with Replayer(job, code) as again:
            guarded = bool(job.heap_slots) and job.heap is not Heap.PLAIN
            tried = [confirm(again, found, guarded=guarded) for found in harvest.found.values()]
    confirmed = _distinct(tried)
    if folder:
        confirmed = [folder.save_finding(found, campaign) for found in confirmed]
        folder.save_state(campaign, harvest.runs, job.words)
    return FuzzReport(
        library=campaign.library,
        sha256=hashlib.sha256(content).hexdigest(),
        prototype=campaign.prototype,
        seed=campaign.seed,
        stopped=stopped,
        level=code.level.value,
        progress=reached,
        findings=tuple(found for found in confirmed if found.reproducible),
        flaky=tuple(found for found in confirmed if not found.reproducible),
        observers=(*harvest.watched_by(), ("heap", _heap(job, tried.count(None)))),
        layers=harvest.layers,
        folder=campaign.folder,
        loader_message=harvest.refused or harvest.loader_message,
    )


def _distinct(tried: Iterable[FuzzFinding | None]) -> list[FuzzFinding]:
    """Each finding once: what looked like two may have one cause. The one that repeats best is kept.

    What was noticed late (no frames) is left out where the write to the same block was caught in the act.
    """
    kept: dict[str, FuzzFinding] = {}
    for found in tried:
        if found is not None and (found.stack_hash not in kept or found.repeated > kept[found.stack_hash].repeated):
            kept[found.stack_hash] = found
    exact = {(found.kind, found.allocated[:1]) for found in kept.values() if found.frames}
    return [f for f in kept.values() if f.frames or not f.allocated or (f.kind, f.allocated[:1]) not in exact]


def _separators(calls: Iterable[CallPlan]) -> tuple[bytes, ...]:
    """What cuts an input, as a word of the dictionary, where one is cut."""
    return (SEPARATOR,) if any(len(call.takers) > 1 for call in calls) else ()


def _heap(job: Job, left_out: int) -> str:
    """How the library's heap was guarded, as a state of an observer."""
    if job.heap is not Heap.PLAIN and not job.heap_slots:
        return "active: the library imports no allocator, so nothing of it needs a guard"
    more = f"; {left_out} failures that only a guarded heap shows, and none of its pages explains, left out"
    return _HEAP[job.heap] + (more if left_out else "")


def _text(path: str) -> str:
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(path=path, reason=str(error)) from error


def _search(
    job: Job, code: CodeMap, folder: Folder | None, progress: Progress | None, *, first: bool
) -> tuple[_Harvest, Stopped]:
    """Run the worker until its time is over, its runs are done, or somebody interrupts."""
    now = time.monotonic()
    harvest = _Harvest(now, list(job.inputs), last_new=now)
    stopped = Stopped.RUNS if job.runs else Stopped.TIME
    done = False
    with Worker(job) as worker:
        try:
            for record in worker.records(job.time_s + _GRACE_S):
                done = _take(record, harvest, code, folder) or done
                if progress:
                    progress(_progress(harvest, code))
                if first and harvest.found:
                    return harvest, Stopped.FIRST
        except KeyboardInterrupt:
            return harvest, Stopped.INTERRUPTED
        harvest.forged += worker.forged
        if harvest.refused:
            return harvest, Stopped.NOT_RUN
        if harvest.loader_message:
            return harvest, Stopped.CANNOT_LOAD
        if not done:
            raise ProbeFailed(reason=f"the worker process ended by itself: {worker.last_words() or 'no words'}")
    return harvest, stopped


def _take(record: Record | None, harvest: _Harvest, code: CodeMap, folder: Folder | None) -> bool:
    """Note one record; True when it is the last."""
    match record:
        case Ready():
            harvest.layers, harvest.observers = tuple(record.layers), tuple(record.observers)
        case New():
            _take_input(bytes.fromhex(record.input), harvest, folder)
        case FindingRecord() if len(harvest.found) < _MAX_DISTINCT:
            harvest.runs = max(harvest.runs, record.run)
            found = finding_of(record, code)
            harvest.found.setdefault(found.stack_hash, found)
        case HookFailed():
            harvest.hook_failed = record.text
        case ProgressRecord():
            harvest.runs, harvest.blocks, harvest.forged = record.runs, record.blocks, record.forged
        case RefusedRecord():
            harvest.refused = record.text
        case CannotLoad():
            harvest.loader_message = record.text or f"died while loading (signal {record.signal})"
    return isinstance(record, Done | CannotLoad | HookFailed | RefusedRecord)


def _take_input(data: bytes, harvest: _Harvest, folder: Folder | None) -> None:
    harvest.blocks += 1
    harvest.last_new = time.monotonic()
    if data != harvest.corpus[-1]:
        harvest.corpus.append(data)
        if folder:
            folder.save_input(data)


def _progress(harvest: _Harvest, code: CodeMap) -> FuzzProgress:
    now = time.monotonic()
    total = len(code.blocks) if code.level is not Level.NONE else 0
    return FuzzProgress(
        seconds=now - harvest.started,
        runs=harvest.runs,
        blocks=harvest.blocks,
        blocks_total=total,
        corpus=len(harvest.corpus),
        findings=len(harvest.found),
        since_new_s=now - harvest.last_new,
    )
