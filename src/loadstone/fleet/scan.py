"""The scan: inputs to tasks, tasks to parts by an engine, parts to a snapshot.

Killed at any moment, the same scan run again goes on with what is missing: parts that are complete are not made again,
and nothing is seen of the others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from loadstone.errors import InvalidName
from loadstone.fleet.commit import commit, done_before
from loadstone.fleet.engines import DaskCluster, LocalPool, ScanEngine, ThisProcess, WorkerLost
from loadstone.fleet.inputs import ScanInput, stamp_of
from loadstone.fleet.limits import ScanExtent, ScanLimits
from loadstone.fleet.parts import parts_of
from loadstone.fleet.plan import ScanTask, TaskResult, halves, set_aside, tasks_of
from loadstone.fleet.sources import inputs_of
from loadstone.fleet.store import FleetSnapshot, Store, checked_name
from loadstone.fleet.symbols import valid_text
from loadstone.quick_dataclass import dataclass, replace

__all__ = ["ScanProgress", "ScanReport", "scan"]


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far a scan is: inputs done of all that are to be read, files and symbols so far, seconds since it began."""

    done: int
    total: int
    files: int
    symbols: int
    seconds: float

    @property
    def rate(self) -> float:
        """Distinct files a second."""
        return self.files / self.seconds if self.seconds else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds that are left, if it goes on like this; None before the first result."""
        return (self.total - self.done) * self.seconds / self.done if self.done else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """How a scan went: the snapshot, and what was done for it.

    ``known`` inputs were in the store already; ``errors`` is the number of rows in ``errors``;
    ``peak_bytes`` is the most memory one worker held.
    """

    snapshot: FleetSnapshot
    inputs: int
    known: int
    errors: int
    tasks: int
    written: int
    seconds: float
    worker_seconds: float
    peak_bytes: int


def scan(
    *sources: str | os.PathLike[str],
    store: str,
    name: str = "",
    workers: int = 0,
    scheduler: str = "",
    limits: ScanLimits | None = None,
    resolve: bool = True,
    review: bool = False,
    retry: bool = False,
    progress: Callable[[ScanProgress], object] | None = None,
) -> ScanReport:
    """Read every distinct binary of some sources and add a snapshot of them to a store.

    Args:
        sources: folders, patterns, packages, indexes of repositories, addresses, ``@FILE`` for a list of these.
        store: the folder or address of the store; made when it is not there.
        name: of the snapshot; the time (UTC) when left out.
        workers: processes of this machine; one for each processor when 0. With 1 this process does it itself.
        scheduler: the address of a Dask scheduler whose workers do the work instead.
        limits: bounds on memory and time of a task.
        resolve: resolve dependencies as well, and say why a library would not load.
        review: review the sources of each package and loose file as well; an input is read again for it. Not of
            addresses.
        retry: read again what an earlier scan quarantined.
        progress: called after each task.

    Raises:
        Unreadable: a source cannot be had, or no scheduler answers.
        Unwritable: the store's disk is full (run the same scan again when there is room), or another scan writes to it.
        InvalidName: the snapshot's name is taken, or cannot be one.
        Unsupported: the extra ``fleet`` is not installed.

    What is wrong with one input is a row of ``errors``. Nothing of what is read runs. One scan a store at a time.
    """
    begun = time.monotonic()
    target = Store(store)
    chosen = checked_name(name or datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"))
    if chosen in target.snapshots:
        raise InvalidName(name=chosen, reason="the store has a snapshot of that name", advice="give another --name")
    named = [os.fspath(source) for source in sources]
    extent = ScanExtent(resolve=resolve, review=review)
    found = [_labelled(each, extent) for each in inputs_of(named)]
    engine = _engine(workers or os.cpu_count() or 1, scheduler)
    with target.folder.reserved():
        missing = _distinct(found, _done(target, retry=retry))
        base = " ".join(f"{each}@{target.snapshot(each).created}" for each in target.snapshots)
        tasks = tasks_of(missing, target.folder.place, base, limits or ScanLimits(), extent)
        tally = _Tally(len(missing), begun, progress)
        for task, result in _to_the_end(engine, tasks):
            tally.add(task, result)
        wanted = [(each.source, each.stamp) for each in found]
        snapshot = commit(
            target, chosen, [valid_text(source) for source in named], wanted, list(parts_of(target.folder))
        )
    return tally.report(snapshot, len(found))


def _labelled(found: ScanInput, extent: ScanExtent) -> ScanInput:
    """An input by names that the tables can hold; one that is reviewed is another than the one that was not."""
    stamp = stamp_of(found.stamp, "reviewed") if extent.review else found.stamp
    return replace(found, source=valid_text(found.source), stamp=stamp)


def _done(store: Store, *, retry: bool) -> set[tuple[str, str]]:
    """The (source, stamp) of every input that is in a snapshot or a complete part."""
    return done_before(store, retry=retry).union(*(part.inputs for part in parts_of(store.folder)))


def _engine(workers: int, scheduler: str) -> ScanEngine:
    if scheduler:
        return DaskCluster(scheduler)
    return LocalPool(workers) if workers > 1 else ThisProcess()


def _distinct(found: Sequence[ScanInput], done: set[tuple[str, str]]) -> list[ScanInput]:
    """What is not done yet, each once."""
    by_stamp = {(each.source, each.stamp): each for each in found}
    return [each for pair, each in by_stamp.items() if pair not in done]


def _to_the_end(engine: ScanEngine, tasks: Iterator[ScanTask]) -> Iterator[tuple[ScanTask, TaskResult | None]]:
    """Results of all tasks; one that kills its workers is halved until the input that does it can be put aside."""
    pending: Iterator[ScanTask] | list[ScanTask] = tasks
    while pending:
        lost: list[ScanTask] = []
        for task, result in engine.run(pending):
            if isinstance(result, TaskResult):
                yield task, result
            elif len(task.inputs) > 1:
                lost += halves(task)
            else:
                set_aside(task, WorkerLost.__name__, str(result))
                yield task, None
        pending = lost


class _Tally:
    """What was done so far."""

    def __init__(self, total: int, begun: float, progress: Callable[[ScanProgress], object] | None) -> None:
        self.total = total
        self.begun = begun
        self.progress = progress
        self.results: list[TaskResult] = []
        self.done = 0

    def add(self, task: ScanTask, result: TaskResult | None) -> None:
        self.done += len(task.inputs)
        if result is not None:
            self.results.append(result)
        if self.progress is not None:
            files, symbols = sum(r.files for r in self.results), sum(r.symbols for r in self.results)
            self.progress(ScanProgress(self.done, self.total, files, symbols, time.monotonic() - self.begun))

    def report(self, snapshot: FleetSnapshot, inputs: int) -> ScanReport:
        return ScanReport(
            snapshot=snapshot,
            inputs=inputs,
            known=inputs - self.done,
            errors=snapshot.rows["errors"],
            tasks=len(self.results),
            written=sum(result.written for result in self.results),
            seconds=time.monotonic() - self.begun,
            worker_seconds=sum(result.seconds for result in self.results),
            peak_bytes=max((result.peak_bytes for result in self.results), default=0),
        )
