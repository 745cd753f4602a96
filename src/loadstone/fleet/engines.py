"""Who runs the plan: worker processes of this machine, or a Dask cluster that is there already.

Both get the same tasks, keep no more of them waiting than they can use, and give results as they come. A task whose
worker died comes back as :class:`WorkerLost`; every other error of a task is raised as it was.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, Protocol

from loadstone.errors import Unreadable
from loadstone.fleet.extra import needed_for
from loadstone.fleet.plan import ScanTask, TaskResult, do_task

__all__ = ["DaskCluster", "LocalPool", "ScanEngine", "ThisProcess", "WorkerLost"]

_AHEAD: Final = 3
"""Tasks given out for each worker: one that runs and two that wait, so that nobody idles and little is held."""

_RETRIES: Final = 2
_POLL_S: Final = 0.02

Answer = tuple[ScanTask, "TaskResult | WorkerLost"]


class WorkerLost(Exception):
    """No worker survived the task."""


class ScanEngine(Protocol):
    """Something that runs tasks; results come in any order, one for each task."""

    def run(self, tasks: Iterable[ScanTask]) -> Iterator[Answer]: ...


class ThisProcess:
    """No other process: for little work, and to look closely. What kills the worker kills the scan."""

    def run(self, tasks: Iterable[ScanTask]) -> Iterator[Answer]:
        for task in tasks:
            yield task, do_task(task)


class LocalPool:
    """Processes of this machine, started afresh so that they share nothing with the caller."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, tasks: Iterable[ScanTask]) -> Iterator[Answer]:
        waiting = iter(tasks)
        rest: ScanTask | None = None
        while True:
            suspects: list[ScanTask] = []
            rest = next(waiting, None)
            if rest is None:
                return
            yield from self._until_broken(_chained(rest, waiting), suspects)
            for suspect in suspects:  # each alone: only who dies alone is guilty
                yield suspect, self._alone(suspect)

    def _until_broken(self, tasks: Iterator[ScanTask], suspects: list[ScanTask]) -> Iterator[Answer]:
        """Results until all is done or a worker dies; then what was given out and not answered is suspect."""
        running: dict[Future[TaskResult], ScanTask] = {}
        with _pool(self.workers) as pool:
            try:
                while _fill(running, tasks, pool, self.workers * _AHEAD):
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        result = future.result()
                        yield running.pop(future), result
            except BrokenProcessPool:
                pass
        for future, task in running.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                yield task, future.result()
            else:
                suspects.append(task)

    def _alone(self, task: ScanTask) -> TaskResult | WorkerLost:
        with _pool(1) as pool:
            try:
                return pool.submit(do_task, task).result()
            except BrokenProcessPool as error:
                return WorkerLost(f"the worker that read it died: {error}")


def _chained(first: ScanTask, rest: Iterator[ScanTask]) -> Iterator[ScanTask]:
    yield first
    yield from rest


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def _fill(
    running: dict[Future[TaskResult], ScanTask], tasks: Iterator[ScanTask], pool: ProcessPoolExecutor, most: int
) -> bool:
    """Give out tasks up to ``most``; whether any is out."""
    while len(running) < most:
        task = next(tasks, None)
        if task is None:
            break
        try:
            running[pool.submit(do_task, task)] = task
        except BrokenProcessPool:
            unstarted: Future[TaskResult] = Future()
            unstarted.cancel()
            running[unstarted] = task
            raise
    return bool(running)


class DaskCluster:
    """The workers of a Dask scheduler. They need Loadstone with its extra, and the sources and the store at hand.

    A worker that is lost has its tasks done by others; one that no longer answers is given up after the scheduler's
    own ``distributed.scheduler.worker-ttl``. A task that several workers died of is :class:`WorkerLost`. A cluster
    without a worker for ``idle_s`` seconds is given up: what is done is kept, and the same scan goes on from there.
    """

    def __init__(self, address: str, connect_s: float = 30.0, idle_s: float = 120.0) -> None:
        self.address = address
        self.connect_s = connect_s
        self.idle_s = idle_s

    def run(self, tasks: Iterable[ScanTask]) -> Iterator[Answer]:
        distributed = needed_for("a scan on a Dask cluster", "distributed")
        try:
            client = distributed.Client(self.address, timeout=self.connect_s, set_as_default=False)
        except (OSError, ValueError) as error:
            raise Unreadable(
                path=self.address,
                reason=f"no Dask scheduler answers: {error}",
                advice="start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
            ) from error
        with client:
            yield from self._results(distributed, client, iter(tasks))

    def _results(self, distributed: Any, client: Any, tasks: Iterator[ScanTask]) -> Iterator[Answer]:
        running: dict[str, ScanTask] = {}
        completed = distributed.as_completed(loop=client.loop, raise_errors=False)

        def give_out() -> None:
            threads = sum(client.nthreads().values()) or 1
            while len(running) < threads * _AHEAD:
                task = next(tasks, None)
                if task is None:
                    return
                future = client.submit(do_task, task, key=f"loadstone-{task.key}", retries=_RETRIES)
                running[future.key] = task
                completed.add(future)

        give_out()
        while running:
            future = self._next(client, completed)
            task = running.pop(future.key)
            try:  # a worker may die with a result it told of: result() then waits until another has made it anew
                answer: TaskResult | WorkerLost = future.result()
            except distributed.KilledWorker as error:
                answer = WorkerLost(f"several workers that read it died: {error}")
            yield task, answer
            future.release()
            give_out()

    def _next(self, client: Any, completed: Any) -> Any:
        """The next future that is done.

        Raises:
            Unreadable: there is no worker, and none has come for a while.
        """
        since = time.monotonic()
        while not completed.has_ready():
            time.sleep(_POLL_S)
            if time.monotonic() - since < self.idle_s:
                continue
            if not client.nthreads():
                raise Unreadable(
                    path=self.address,
                    reason=f"the Dask cluster has had no worker for {self.idle_s:g} s",
                    advice="start one with `dask worker ADDRESS` and run the same scan again: what is done is kept",
                )
            since = time.monotonic()
        return next(completed)
