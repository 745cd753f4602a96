"""The plan of a scan: inputs gathered into tasks of bounded size, and what a worker does with one."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Final

from loadstone.fleet.folder import StoreFolder
from loadstone.fleet.inputs import ScanInput
from loadstone.fleet.limits import ScanExtent, ScanLimits
from loadstone.fleet.parts import write_part
from loadstone.fleet.reading import read_input
from loadstone.fleet.rows import TableRows
from loadstone.fleet.schema import VERSION
from loadstone.fleet.store import Store
from loadstone.linker.view import forget_images
from loadstone.quick_dataclass import dataclass

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

__all__ = ["ScanTask", "TaskResult", "do_task", "halves", "set_aside", "tasks_of"]

_UNKNOWN_SIZE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ScanTask:
    """Some inputs to read into one part of a store. ``key`` is made of what they are: the same work, the same key.

    ``base`` names the snapshots the store had when the plan was made.
    """

    key: str
    inputs: tuple[ScanInput, ...]
    store: str
    base: str
    limits: ScanLimits
    extent: ScanExtent

    def named(self) -> tuple[tuple[str, str], ...]:
        """The (source, stamp) of each input."""
        return tuple((found.source, found.stamp) for found in self.inputs)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a task went. ``peak_bytes`` is the most memory its process ever held."""

    key: str
    inputs: int
    files: int
    symbols: int
    written: int
    seconds: float
    peak_bytes: int


def tasks_of(
    inputs: Iterable[ScanInput], store: str, base: str, limits: ScanLimits, extent: ScanExtent
) -> Iterator[ScanTask]:
    """Consecutive inputs together, as many as the limits of a task allow; one that is larger alone."""
    held: list[ScanInput] = []
    size = 0
    for found in inputs:
        if held and (size + found.size > limits.task_bytes or len(held) >= limits.task_inputs):
            yield _task(held, store, base, limits, extent)
            held, size = [], 0
        held.append(found)
        size += found.size or _UNKNOWN_SIZE
    if held:
        yield _task(held, store, base, limits, extent)


def _task(inputs: Iterable[ScanInput], store: str, base: str, limits: ScanLimits, extent: ScanExtent) -> ScanTask:
    held = tuple(inputs)
    text = "\n".join((f"{VERSION} {extent}", *(f"{found.source}\0{found.stamp}" for found in held)))
    key = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return ScanTask(key, held, store, base, limits, extent)


def halves(task: ScanTask) -> tuple[ScanTask, ...]:
    """The same work as two tasks, to find the input that no worker survives."""
    middle = len(task.inputs) // 2
    pieces = (task.inputs[:middle], task.inputs[middle:])
    return tuple(_task(piece, task.store, task.base, task.limits, task.extent) for piece in pieces)


def do_task(task: ScanTask) -> TaskResult:
    """Read the inputs and write their part. What a worker runs: any number of times, anywhere, with the same outcome.

    Raises:
        Unwritable: the store's disk is full, or it cannot be written.
    """
    start = time.monotonic()
    rows, known = TableRows(), set(_known(task.store, task.base))
    before = len(known)
    try:
        for found in task.inputs:
            read_input(found, rows, known, task.limits, task.extent)
    finally:
        forget_images()  # else a worker holds a thousand of them beside the next task's rows
    written = write_part(StoreFolder(task.store), task.key, task.named(), rows)
    spent = time.monotonic() - start
    return TaskResult(task.key, len(task.inputs), len(known) - before, rows.symbols, written, spent, _peak())


def set_aside(task: ScanTask, kind: str, message: str) -> None:
    """Write a part that says of each input only that it was given up, and why."""
    rows = TableRows()
    for found in task.inputs:
        rows.add("inputs", found.source, found.stamp, found.location, found.size, "file")
        rows.add("errors", found.source, found.stamp, found.location, kind, message, True)
    write_part(StoreFolder(task.store), task.key, task.named(), rows)


@lru_cache(maxsize=1)
def _known(store: str, base: str) -> frozenset[str]:  # noqa: ARG001  part of what the answer depends on
    """Digests whose facts the store had when the plan was made: such a file is not read again."""
    return Store(store).digests()


def _peak() -> int:
    """The most memory this process held. Linux counts in ru_maxrss what the parent held when it started us."""
    with suppress(OSError, StopIteration), open("/proc/self/status", "rb") as status:
        return 1024 * int(next(line.split()[1] for line in status if line.startswith(b"VmHWM:")))
    if resource is None:
        return 0  # type: ignore[unreachable]  # on Windows
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if os.uname().sysname == "Darwin" else used * 1024
