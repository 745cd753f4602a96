"""What a child is put through, phase by phase, and what is looked at while it waits."""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Generator
from contextlib import suppress
from itertools import pairwise
from time import monotonic
from typing import Any, Final, NamedTuple

from loadstone.core.observations import LayerState, LayerStatus, MappedObject, Phase, Witness
from loadstone.core.observations import ObservationKind as Kind
from loadstone.core.observations import ProbeOutcome as Outcome
from loadstone.probe.hosts import host_needed
from loadstone.probe.linux import proc
from loadstone.probe.observers.linkmap import UNLISTED, listed, unlisted
from loadstone.probe.observers.snapshot import BLANK, Snapshot, changes, file_key, leftovers, mask_changes, take
from loadstone.probe.own_state import OwnState, changes_of
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
_MARGIN: Final = 1.25  # a busy machine takes longer the next time
_STACK_BYTES: Final = 16 << 10
_REFUSALS: Final = ("Permission denied", "Operation not permitted")


_LOADER_READS: Final = frozenset({"/etc/ld.so.cache", "/etc/ld.so.preload"})


_Code = tuple[tuple[int, int], ...]
"""Where code is: start and end of each span."""


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
    calls: tuple[str, ...] = ()  # names of the functions that are called


class Findings:
    """What the scripts learned that is no observation: how it was loaded, what else was mapped, whether it left."""

    def __init__(self) -> None:
        self.loaded_as = ""
        self.layers: list[LayerStatus] = []
        self.unmapped: bool | None = None
        self.kept: list[str] = []
        self.own_state = OwnState(0, ())
        self.blind = ""
        self.shared = ""
        self.objects: list[MappedObject] = []
        self.unlisted = ""
        self.cycles = 0
        self.cycle_s: float = 0.0  # the longest load so far
        self.series: dict[str, list[int]] = {}


def full(watch: Watch, course: Course, found: Findings) -> Script:
    """Every phase but threads."""
    if not (yield from _ready(watch, course, found)):
        return
    start = _look(watch, found)
    host, clock = _code(watch, found), _Clock(watch)
    began = monotonic()
    reply = yield Phase.LOAD, "load"
    found.cycle_s = monotonic() - began
    clock.lap()
    if "error" in reply:
        yield from _refused(watch, reply["error"])
        return
    now = _compare(watch, found, start, start)
    for detail in changes_of(found.own_state, _own_state(reply, found)):
        watch.note(Kind.PROCESS_CHANGED, detail, Witness.CHILD)
    watch.mapped = set(now.mapped.values()) - set(start.mapped.values())
    if not found.blind:
        _list(watch, found)
    if not found.blind and not _is_mapped(course, now):
        watch.note(Kind.FORGED_RECORD, "the child said it had loaded the library; no page of it is mapped")
    if course.symbols:
        reply = yield Phase.RESOLVE, "resolve"
        clock.lap()
        _unresolved(watch, reply)
        now = _compare(watch, found, now, start)
    if course.calls:
        yield from _calls(watch, course)
        clock.lap()
        now = _compare(watch, found, now, start)
    code = _code(watch, found)
    reply = yield Phase.UNLOAD, "unload"
    clock.lap()
    after = _compare(watch, found, now, start)
    if _is_mapped(course, start):
        found.shared = "the probing process uses this library itself: that unload unmaps it cannot be seen"
    elif not found.blind:
        found.unmapped = not _is_mapped(course, after)
    found.kept = sorted(set(after.mapped.values()) - set(start.mapped.values()))
    for kind, detail in leftovers(start, after, "after unload"):
        if kind is not Kind.THREAD_LEFT:
            watch.note(kind, detail)
        elif len(proc.threads(watch.process)) > start.status.threads:  # else it was joined, and is ending
            watch.note(*(_thread_left(watch, detail, host, code) if code else (kind, detail)))
    yield from _let_run(watch)
    yield from _reloads(watch, course, found, after, start)
    clock.lap()
    if _has_time(course, found, 1):
        reply = yield Phase.RELOAD, "load"
        if "error" in reply:
            watch.note(Kind.LOAD_ERROR, f"loading it again failed: {reply['error']}", Witness.CHILD)
    _unexplained(watch, {*start.mapped, *now.mapped})
    yield Phase.EXIT, "exit"


def short(watch: Watch, course: Course, found: Findings) -> Script:
    """Load, unload, end: what a program does that has used the library and goes on without it."""
    if not (yield from _loaded(watch, course, found)):
        return
    _unexplained(watch, {(m.device, m.inode) for m in _mappings(watch, found)})
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
    if not (yield from _loaded(watch, course, found)):
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
    found.loaded_as, watch.unnotified = reply["loaded_as"], reply["unnotified"]
    found.own_state = _own_state(reply, found)
    found.layers = [LayerStatus(name, LayerState(state), reason) for name, state, reason in reply["layers"]]
    standing = {layer.name for layer in found.layers if layer.state is LayerState.ACTIVE}
    missing = [name for name in course.require if name not in standing]
    if missing:
        watch.words = f"required, but not available here: {', '.join(missing)}"
        watch.outcome = Outcome.NOT_RUN
    return not missing


def _loaded(watch: Watch, course: Course, found: Findings) -> Generator[tuple[Phase, str], dict[str, Any], bool]:
    """Load the library as soon as everything stands; whether it could be loaded."""
    if not (yield from _ready(watch, course, found)):
        return False
    reply = yield Phase.LOAD, "load"
    if "error" in reply:
        yield from _refused(watch, reply["error"])
        return False
    return True


def _own_state(reply: dict[str, Any], found: Findings) -> OwnState:
    """What the child says of itself now, or else as it was."""
    control, locale = reply.get("state", found.own_state)
    return OwnState(control, tuple(locale))


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


def _mappings(watch: Watch, found: Findings) -> list[proc.Mapping]:
    try:
        return proc.mappings(watch.process)
    except PermissionError as error:
        found.blind = f"/proc/PID may not be read: {error.strerror}"
        return []


def _unexplained(watch: Watch, mapped: Collection[tuple[str, int]]) -> None:
    """Files that the loader's code opened and nothing mapped: whoever calls into it can read what he likes."""
    for path in sorted(watch.opened_by_loader - _LOADER_READS):
        with suppress(OSError):  # it only tried whether there is one
            there = os.stat(path)
            if file_key(there.st_dev, there.st_ino) not in mapped:
                watch.note(Kind.FILE_READ, f"open {path} for reading, through the loader's own code", phase=Phase.LOAD)


def _refused(watch: Watch, words: str) -> Script:
    """The loader said no: is it the sandbox's doing, and would it have said yes to binding lazily?"""
    watch.note(Kind.LOAD_ERROR, words, Witness.CHILD)
    watch.outcome = Outcome.DENIED if any(text in words for text in _REFUSALS) else Outcome.LOAD_ERROR
    if "undefined symbol" in words:
        watch.note(Kind.NEEDS_HOST, host_needed(words), Witness.CHILD)
        reply = yield Phase.LOAD, "lazy"
        if "error" not in reply:
            watch.note(
                Kind.LAZY_UNDEFINED,
                f"it loads when bound lazily, and ends the process at the first use of what is missing: {words}",
                Witness.CHILD,
            )


def _is_mapped(course: Course, now: Snapshot) -> bool:
    return file_key(course.device, course.inode) in now.mapped or course.path in now.mapped.values()


def _compare(watch: Watch, found: Findings, before: Snapshot, host: Snapshot) -> Snapshot:
    """Look again; note what changed since the last look, and - so that nothing is told twice - only that.

    ``host`` is how the process was before the library came: what is as it was then, the library has put right again.
    """
    now = _look(watch, found)
    lasting = set(changes(host, now))
    for kind, detail in (*(c for c in changes(before, now) if c in lasting), *mask_changes(before, now, host)):
        watch.note_once(kind, detail)
    return now


def _code(watch: Watch, found: Findings) -> _Code:
    """Where there is code now."""
    return () if found.blind else tuple((m.start, m.end) for m in proc.mappings(watch.process) if "x" in m.rights)


def _thread_left(watch: Watch, detail: str, host: _Code, loaded: _Code) -> tuple[Kind, str]:
    """A thread that outlived the unload: is the code it runs or returns to among what unload took away?

    ``host`` is where code was before the library came, ``loaded`` where it was before the unload. A thread is harmless
    when all code that came with the library is still there, or when its stack leads into what is and into nothing that
    is gone; one that cannot be looked at is not.
    """
    now = {(m.start, m.end) for m in proc.mappings(watch.process) if "x" in m.rights}
    gone, kept = set(loaded) - now, (set(loaded) & now) - set(host)
    if not gone:
        return Kind.THREAD_KEPT, f"{detail}; the code it may run is still mapped"
    stacks = [_addresses(watch.process, number) for number in proc.threads(watch.process) if number != watch.process]
    if all(_leads_to(stack, kept) and not _leads_to(stack, gone) for stack in stacks):
        return Kind.THREAD_KEPT, f"{detail}; it runs code of a dependency that is still mapped"
    return Kind.THREAD_LEFT, detail


def _addresses(process: int, thread: int) -> list[int]:
    """The instruction of a sleeping thread and the words on its stack; none where that cannot be seen."""
    try:
        waiting = proc.waiting(process, thread)
        if waiting is None or not waiting.stack:
            return []
        stack = proc.read_memory(thread, waiting.stack, _STACK_BYTES)
    except OSError:
        return []
    return [waiting.instruction, *(word for (word,) in struct.iter_unpack("=Q", stack[: len(stack) & ~7]))]


def _leads_to(addresses: Collection[int], spans: Collection[tuple[int, int]]) -> bool:
    return any(start <= address < end for start, end in spans for address in addresses)


def _unresolved(watch: Watch, reply: dict[str, Any]) -> None:
    for name, words in reply.get("unresolved", ()):
        watch.note(Kind.RESOLVE_FAILED, f"{name}: {words}", Witness.CHILD)


def _calls(watch: Watch, course: Course) -> Script:
    """Make the calls that were asked for, one after the other."""
    for name in course.calls:
        reply = yield Phase.CALLS, "call"
        if "error" in reply:
            watch.note(Kind.RESOLVE_FAILED, f"{name}: {reply['error']}", Witness.CHILD)
        else:
            watch.note(Kind.CALL_RETURNED, f"{name} returned {reply.get('returned', '')}", Witness.CHILD)


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


def _has_time(course: Course, found: Findings, cycles: int) -> bool:
    """Whether there is time for so many more loads, each as long as the longest so far."""
    return monotonic() + _MARGIN * cycles * found.cycle_s < course.until


def _reloads(watch: Watch, course: Course, found: Findings, after: Snapshot, host: Snapshot) -> Script:
    """Load and unload again and again; what grows with every cycle is not given back.

    A library that takes long is not loaded more often than there is time for, the last load included: then it is slow.
    """
    kernel, child = [], []
    for made in range(1, course.cycles):
        if not _has_time(course, found, 2):
            watch.note(
                Kind.SLOW,
                f"{made} of {course.cycles} cycles of load and unload were made, for lack of time: one takes "
                f"{found.cycle_s:.1f} s",
            )
            watch.slow = True
            break
        began = monotonic()
        reply = yield Phase.RELOAD, "reload"
        found.cycle_s = max(found.cycle_s, monotonic() - began)
        if "error" in reply:
            watch.note(Kind.LOAD_ERROR, f"loading it again failed: {reply['error']}", Witness.CHILD)
            return
        kernel.append(proc.memory(watch.process).data)
        child.append(reply.get("in_use"))
    now = _compare(watch, found, after, host)
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
