"""What a child is put through, phase by phase, and what is looked at while it waits."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import suppress
from itertools import pairwise
from time import monotonic
from typing import Any, Final, NamedTuple

from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.observations import Phase, Witness
from loadstone.core.observations import ProbeOutcome as Outcome
from loadstone.probe.linux import proc
from loadstone.probe.observers.linkmap import UNLISTED, Listed, listed, unlisted
from loadstone.probe.observers.snapshot import BLANK, Snapshot, changes, file_key, leftovers, take
from loadstone.probe.trends import WARM_UP, cycles_between_looks, is_enough
from loadstone.probe.watch import Script, Watch

__all__ = ["Course", "Findings", "full", "short", "soaked", "threaded"]

_SLOW: Final = 1.0  # seconds of processor time in one phase
_WARM_UP: Final = 2  # cycles after which the process's memory should stay level
_CACHE_FILLS: Final = 8  # cycles after which malloc's should: glibc keeps up to 7 freed pieces of a size as in use
_LET_RUN: Final = 1.0  # seconds in which every thread left by an unload has surely run, on a busy machine too
_LEAST_CYCLES: Final = 4  # after the warm-up: fewer cannot tell a slope from a step
_KERNEL_SLOPE: Final = 4096  # bytes a cycle
_CHILD_SLOPE: Final = 16
_REFUSALS: Final = ("Permission denied", "Operation not permitted")


_LOADER_READS: Final = frozenset({"/etc/ld.so.cache", "/etc/ld.so.preload"})


class Course(NamedTuple):
    """What is asked of a run: the file's device and inode, its path, how many symbols and load cycles.

    ``require`` names the layers without which nothing is loaded; ``until`` is the clock's time for no further cycle.
    """

    device: int
    inode: int
    path: str
    symbols: int
    cycles: int
    require: tuple[str, ...] = ()
    until: float = 0.0


class Findings:
    """What the scripts learned that is no observation: how it was loaded, what else was mapped, whether it left."""

    def __init__(self) -> None:
        self.loaded_as = ""
        self.layers: list[list[str]] = []
        self.unmapped: bool | None = None
        self.kept: list[str] = []
        self.blind = ""
        self.shared = ""
        self.objects: list[Listed] = []
        self.unlisted = ""
        self.cycles = 0
        self.series: dict[str, list[int]] = {}


def full(watch: Watch, course: Course, found: Findings) -> Script:
    """Every phase but threads."""
    if not (yield from _ready(watch, course, found)):
        return
    start = _look(watch, found)
    clock = _Clock(watch)
    reply = yield Phase.LOAD, "load"
    clock.lap()
    if "error" in reply:
        yield from _refused(watch, reply["error"])
        return
    now = _compare(watch, found, start)
    watch.mapped = set(now.mapped.values()) - set(start.mapped.values())
    if not found.blind:
        _list(watch, found)
    if not found.blind and not _is_mapped(course, now):
        watch.note(Kind.FORGED_RECORD, "the child said it had loaded the library; no page of it is mapped")
    if course.symbols:
        reply = yield Phase.RESOLVE, "resolve"
        clock.lap()
        _unresolved(watch, reply)
        now = _compare(watch, found, now)
    reply = yield Phase.UNLOAD, "unload"
    clock.lap()
    after = _compare(watch, found, now)
    if _is_mapped(course, start):
        found.shared = "the probing process uses this library itself: that unload unmaps it cannot be seen"
    elif not found.blind:
        found.unmapped = not _is_mapped(course, after)
    found.kept = sorted(set(after.mapped.values()) - set(start.mapped.values()))
    for kind, detail in leftovers(start, after, "after unload"):
        watch.note(kind, detail)
    yield from _let_run(watch)
    yield from _reloads(watch, course, found, after)
    clock.lap()
    reply = yield Phase.RELOAD, "load"
    if "error" in reply:
        watch.note(Kind.LOAD_ERROR, f"loading it again failed: {reply['error']}", Witness.CHILD)
    _unexplained(watch, start, now)
    yield Phase.EXIT, "exit"


def short(watch: Watch, course: Course, found: Findings) -> Script:
    """Load, unload, end: what a program does that has used the library and goes on without it."""
    if not (yield from _ready(watch, course, found)):
        return
    reply = yield Phase.LOAD, "load"
    if "error" in reply:
        yield from _refused(watch, reply["error"])
        return
    yield Phase.UNLOAD, "unload"
    yield from _let_run(watch)
    yield Phase.EXIT, "exit"


def threaded(watch: Watch, course: Course, found: Findings) -> Script:
    """Threads load, resolve and unload at the same time."""
    if not (yield from _ready(watch, course, found)):
        return
    reply = yield Phase.THREADS, "threads"
    found.cycles = reply.get("cycles", 0)
    yield Phase.EXIT, "exit"


def soaked(watch: Watch, course: Course, found: Findings) -> Script:
    """Load and unload many times, looking now and then at what is in use."""
    if not (yield from _ready(watch, course, found)):
        return
    reply = yield Phase.LOAD, "load"
    if "error" in reply:
        yield from _refused(watch, reply["error"])
        return
    yield Phase.UNLOAD, "unload"
    stride = cycles_between_looks(course.cycles)
    for cycles in (*[1] * (WARM_UP - 1), *[stride] * -((WARM_UP - course.cycles) // stride)):
        reply = yield Phase.RELOAD, "reload" if cycles == 1 else "reloads"
        if "error" in reply:
            watch.note(Kind.LOAD_ERROR, f"loading it again failed: {reply['error']}", Witness.CHILD)
            break
        found.cycles += cycles
        if found.cycles >= WARM_UP - 1:
            _measure(watch, found, reply.get("in_use"))
        if monotonic() > course.until or is_enough(found.series):
            break
    found.cycles += 1  # the first one
    yield Phase.EXIT, "exit"


def _measure(watch: Watch, found: Findings, in_use: object) -> None:
    """One look at everything that could leak; what may not be looked at has no series."""
    now = {"private memory": proc.memory(watch.process).data, "threads": proc.status(watch.process).threads}
    if isinstance(in_use, int):
        now["allocated memory"] = in_use
    try:
        now["mappings"] = len(proc.mappings(watch.process))
        now["descriptors"] = len(proc.descriptors(watch.process))
    except PermissionError as error:
        found.blind = f"/proc/PID may not be read: {error.strerror}"
    for name, level in now.items():
        found.series.setdefault(name, []).append(level)


def _ready(watch: Watch, course: Course, found: Findings) -> Generator[tuple[Phase, str], dict[str, Any], bool]:
    """Wait for the set-up; whether every layer that is required stands."""
    reply = yield Phase.SETUP, "setup"
    found.layers, found.loaded_as, watch.unnotified = reply["layers"], reply["loaded_as"], reply["unnotified"]
    standing = {name for name, state, _reason in found.layers if state == "active"}
    missing = [name for name in course.require if name not in standing]
    if missing:
        watch.words = f"required, and not to be had here: {', '.join(missing)}"
        watch.outcome = Outcome.NOT_RUN
    return not missing


def _look(watch: Watch, found: Findings) -> Snapshot:
    """Look at the child, or - where that is forbidden - at nothing, and say so."""
    try:
        return take(watch.process)
    except PermissionError as error:
        found.blind = f"/proc/PID may not be read: {error.strerror}"
        return BLANK


def _list(watch: Watch, found: Findings) -> None:
    """What the loader says came with the library, and what it does not know of."""
    mappings = proc.mappings(watch.process)
    objects = listed(watch.process, mappings)
    if objects is None:
        found.unlisted = UNLISTED
        return
    found.objects = [entry for entry in objects if entry.path in watch.mapped or entry.namespace]
    for path in sorted(unlisted(objects, mappings) & watch.mapped):
        watch.note(Kind.CODE_UNLISTED, f"its code is mapped, and the loader does not know of it: {path}")


def _unexplained(watch: Watch, *seen: Snapshot) -> None:
    """Files that the loader's code opened and nothing mapped: whoever calls into it can read what he likes."""
    mapped = {key for snapshot in seen for key in snapshot.mapped}
    for path in sorted(watch.opened_by_loader - _LOADER_READS):
        with suppress(OSError):  # it only tried whether there is one
            there = os.stat(path)
            if file_key(there.st_dev, there.st_ino) not in mapped:
                watch.note(
                    Kind.FILE_READ, f"opened {path} for reading, through the loader's own code", phase=Phase.LOAD
                )


def _refused(watch: Watch, words: str) -> Script:
    """The loader said no: is it the fence's doing, and would it have said yes to binding lazily?"""
    watch.note(Kind.LOAD_ERROR, words, Witness.CHILD)
    watch.outcome = Outcome.DENIED if any(text in words for text in _REFUSALS) else Outcome.LOAD_ERROR
    if "undefined symbol" in words:
        reply = yield Phase.LOAD, "lazy"
        if "error" not in reply:
            watch.note(
                Kind.LAZY_UNDEFINED,
                f"it loads when bound lazily, and ends the process at the first use of what is missing: {words}",
                Witness.CHILD,
            )


def _is_mapped(course: Course, now: Snapshot) -> bool:
    return file_key(course.device, course.inode) in now.mapped or course.path in now.mapped.values()


def _compare(watch: Watch, found: Findings, before: Snapshot) -> Snapshot:
    """Look again; note what changed since the last look, and - so that nothing is told twice - only that."""
    now = _look(watch, found)
    for kind, detail in changes(before, now):
        watch.note(kind, detail)
    return now


def _unresolved(watch: Watch, reply: dict[str, Any]) -> None:
    for name, words in reply.get("unresolved", ()):
        watch.note(Kind.RESOLVE_FAILED, f"{name}: {words}", Witness.CHILD)


def _let_run(watch: Watch) -> Script:
    """Wait until each thread that unload left behind has run or sleeps.

    One that runs on does so in code that is no longer there; loaded again at the same address, that would not show.
    """
    until = monotonic() + _LET_RUN
    left = {number: thread for number, thread in proc.threads(watch.process).items() if number != watch.process}
    while left and monotonic() < until:
        yield Phase.UNLOAD, "pause"
        now = proc.threads(watch.process)
        left = {number: was for number, was in left.items() if now.get(number) == was and was.state in "RD"}


def _reloads(watch: Watch, course: Course, found: Findings, after: Snapshot) -> Script:
    """Load and unload again and again; what grows with every cycle is not given back."""
    kernel, child = [], []
    for _ in range(course.cycles - 1):
        reply = yield Phase.RELOAD, "reload"
        if "error" in reply:
            watch.note(Kind.LOAD_ERROR, f"loading it again failed: {reply['error']}", Witness.CHILD)
            return
        kernel.append(proc.memory(watch.process).data)
        child.append(reply.get("in_use"))
    now = _compare(watch, found, after)
    grown = len(now.descriptors) - len(after.descriptors)
    if kernel and grown >= len(kernel):
        watch.note(Kind.DESCRIPTOR_GROWTH, f"{grown} more descriptors after {len(kernel)} cycles of load and unload")
    threads = now.status.threads - after.status.threads
    if kernel and threads >= len(kernel):
        watch.note(Kind.THREAD_GROWTH, f"{threads} more threads after {len(kernel)} cycles of load and unload")
    _slopes(watch, kernel[_WARM_UP:], [n for n in child[_CACHE_FILLS:] if isinstance(n, int)])


def _slopes(watch: Watch, kernel: list[int], child: list[int]) -> None:
    if len(kernel) <= _LEAST_CYCLES:
        return
    steps = sum(later > earlier for earlier, later in pairwise(kernel))
    slope = (kernel[-1] - kernel[0]) / (len(kernel) - 1)
    if slope >= _KERNEL_SLOPE and steps >= 3:
        watch.note(Kind.MEMORY_GROWTH, f"{slope:,.0f} more bytes of memory with every cycle of load and unload")
        return
    deltas = [later - earlier for earlier, later in pairwise(child)]
    if len(deltas) >= _LEAST_CYCLES and min(deltas) >= _CHILD_SLOPE:
        least = sorted(deltas)[len(deltas) // 2]
        watch.note(
            Kind.MEMORY_GROWTH, f"{least:,} more bytes allocated with every cycle of load and unload", Witness.CHILD
        )


class _Clock:
    """Processor time by phase."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._began = monotonic()
        self._last = proc.processor_seconds(watch.process)

    def lap(self) -> None:
        """Note the phase that just ended when it took long."""
        if monotonic() - self._began < _SLOW:
            return
        now = proc.processor_seconds(self._watch.process)
        if now - self._last >= _SLOW:
            self._watch.note(Kind.SLOW, f"it took {now - self._last:.1f} s of processor time")
        self._last = now
