"""The fuzzed child: load, resolve, then mutate, place and call until something stops it. Runs foreign code.

Forked by the worker and killed by it; never returns. Everything it says is said through the arena and by how it dies,
both read from outside.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import traceback
from collections.abc import Sequence
from random import Random
from statistics import median
from time import thread_time
from typing import Final, NamedTuple, NoReturn

from loadstone.fuzz.child.arena import Arena
from loadstone.fuzz.child.backtrace import Backtrace
from loadstone.fuzz.child.call_stack import CallStack
from loadstone.fuzz.child.calls import BoundCall, run_sequence
from loadstone.fuzz.child.guarded_globals import GuardedGlobals
from loadstone.fuzz.child.guarded_heap import FILL, GuardedHeap, HeapError
from loadstone.fuzz.child.hooks import Hooks, load_hooks
from loadstone.fuzz.child.judge import Answer, ReturnJudge, told_bytes
from loadstone.fuzz.child.listener import CompareListener
from loadstone.fuzz.child.mutate import mutate
from loadstone.fuzz.child.stack import StackMark
from loadstone.fuzz.meaning import takes_text
from loadstone.fuzz.parts import as_text
from loadstone.fuzz.plan import Heap, Job
from loadstone.probe.linux import proc

__all__ = [
    "DEEPER",
    "EXIT_CANNOT_LOAD",
    "EXIT_CHECK",
    "EXIT_DONE",
    "EXIT_HEAP",
    "EXIT_HOOK",
    "EXIT_NO_MEMORY",
    "Words",
    "run_child",
]

EXIT_DONE: Final = 0xD0
EXIT_CANNOT_LOAD: Final = 0xD1
EXIT_CHECK: Final = 0xD2
EXIT_HOOK: Final = 0xD3
EXIT_HEAP: Final = 0xD4
EXIT_NO_MEMORY: Final = 0xD5
"""Exit statuses of our own: every input was replayed, the library cannot be loaded, the user's check found something
wrong, a hook of the user failed, the guarded heap saw an error, the library left no memory for us. The worker believes
the ones between only with the words that belong to them, which come behind the secret of this child."""

DEEPER: Final = signal.SIGWINCH
"""What the child sends itself when an input went deeper, or when one begins whose blocks are asked for; it does nothing
where nobody traces."""

_UNDER_EVERY: Final = 4
_GARBAGE_EVERY: Final = 64
_TIMED: Final = 3
_SLOW_S: Final = 0.002
_SLOWER: Final = 20
"""An input is slow that takes so many seconds, and so many times the median of at least so many inputs."""


class Words(NamedTuple):
    """A pipe to the worker, and what comes before words that are the child's own: foreign code may write there too."""

    pipe: int
    secret: bytes

    def say(self, text: str) -> None:
        """Send words that the worker believes."""
        os.write(self.pipe, self.secret + text.encode(errors="replace")[-4000:])


def run_child(
    job: Job, arena: Arena, corpus: Sequence[bytes], begin: int, tries: Sequence[bytes], seed: int, words: Words
) -> None:
    """Load and call for ever, or once for each input when replaying.

    ``corpus`` is mutated, and from ``begin`` on not run yet; ``tries`` are run once and kept where they reach something
    new; ``words`` tell what cannot be loaded and how hooks fail, and their pipe what a replay is compared with.
    """
    try:
        library = ctypes.CDLL(job.library)
        stack = arena.stack if job.own_stack and arena.stack.top else None
        sequence = [BoundCall(call, library, arena.blocks, job.max_size, stack) for call in job.calls]
    except (OSError, AttributeError) as error:
        _tell(words, str(error), EXIT_CANNOT_LOAD)
    arena.slack = job.slack
    base = sequence[0].address - job.calls[0].address
    guards = _guards(job, arena, base, words) if job.heap is not Heap.PLAIN else None
    listener = CompareListener(words.pipe)
    if job.compare_slots:
        listener.install(job.compare_slots, base)
    try:
        loop = _Loop(job, arena, sequence, load_hooks(job.hooks), words, stack, guards)
        os.kill(os.getpid(), signal.SIGSTOP)  # the tracer sets its breakpoints now
        if job.replay:
            loop.replay(job.inputs)
        else:
            loop.fuzz(list(corpus), begin, tries, seed)
    except MemoryError:
        os._exit(EXIT_NO_MEMORY)
    except Exception:  # noqa: BLE001 - the edge of this process: only hooks are code of others that can raise
        _tell(words, traceback.format_exc(limit=-4), EXIT_HOOK)


def _tell(words: Words, text: str, status: int) -> NoReturn:
    words.say(text)
    os._exit(status)


def _guards(job: Job, arena: Arena, base: int, words: Words) -> tuple[GuardedHeap, GuardedGlobals]:
    """The library's imports of malloc and its kin, replaced, and what lies between its global objects, filled."""
    passed = frozenset(job.passed)

    def report(error: HeapError) -> None:
        site = (*error.frames, *(arena.blocks.at(error.row).allocated_by if error.row >= 0 else ()), 0)[0]
        if (error.kind, site) not in passed:
            _tell(words, json.dumps(error), EXIT_HEAP)

    where = Backtrace(job.library, base, (arena.stack.low, arena.stack.top))
    heap = GuardedHeap(job.heap, arena.blocks, job.memory, report, where)
    heap.recording = job.replay or job.recording
    heap.fill = job.fill if job.fill >= 0 else FILL
    heap.install(job.heap_slots, base)
    return heap, GuardedGlobals(job.gaps, base, report)


class _Loop:
    """The calls of a child, over and over."""

    def __init__(
        self,
        job: Job,
        arena: Arena,
        sequence: list[BoundCall],
        hooks: Hooks,
        words: Words,
        stack: CallStack | None,
        guards: tuple[GuardedHeap, GuardedGlobals] | None,
    ) -> None:
        self._stack = stack
        self._job, self._arena, self._sequence, self._hooks, self._words = job, arena, sequence, hooks, words
        self._text = takes_text(job.calls)
        self._judge = None
        if guards is not None:
            self._judge = ReturnJudge(*guards, self._answer, self._fill)
        if job.fill >= 0:
            self._fill(job.fill)

    def replay(self, inputs: Sequence[bytes]) -> None:
        """Each input once, as it is; what they took and kept is looked at in the end, when nobody else can any more."""
        before = proc.memory(os.getpid()).data
        for data in inputs:
            if self._job.blocks:
                os.kill(os.getpid(), DEEPER)
            self._once(data, at_start=self._job.at_start)
        if self._judge and inputs and self._job.fill < 0:
            self._judge.garbage(inputs[-1], self._job.at_start)
        too_much = proc.memory(os.getpid()).data - before > self._job.memory
        os._exit(EXIT_NO_MEMORY if too_much else EXIT_DONE)

    def fuzz(self, corpus: list[bytes], begin: int, tries: Sequence[bytes], seed: int) -> None:
        """Mutate and call until the worker ends this process."""
        rng = Random(seed)  # noqa: S311 - repeatable on purpose
        random, own = rng.random, self._hooks.mutate
        words, max_size, fixup, text = self._job.words, self._job.max_size, self._hooks.fixup, self._text
        place, take_news = self._arena.place, self._arena.take_news
        plain = len(self._sequence) == 1 and not self._hooks.check and not self._judge
        single = self._sequence[0].simple if plain else None
        slow = self._replayed(corpus, begin)
        for data in tries:
            self._once(self._as_input(data), at_start=False)
            if take_news():
                corpus.append(data)
        mark = StackMark(self._arena.depth, self._stack)
        deeper = mark.passed
        count = 0
        while True:
            if own and count % 2:
                data = own(corpus[int(random() * len(corpus))], max_size, rng)[:max_size]
            else:
                data = mutate(random, corpus, words, max_size)
            if fixup:
                data = fixup(data)[:max_size]
            placed = as_text(data) if text else data
            count += 1
            at_start = not count % _UNDER_EVERY
            if single is not None:
                single(place(placed, at_start=at_start), len(placed))
            else:
                self._once(placed, at_start=at_start)
                if self._judge and not count % _GARBAGE_EVERY:
                    self._judge.garbage(placed, at_start=at_start)
            if deeper():
                self._arena.depth = mark.deepest
                os.kill(os.getpid(), DEEPER)
                corpus.append(data)
            if take_news():
                if slow.is_slow(slow.note(self._timed(placed))):
                    slow.tell()
                else:
                    corpus.append(data)
                if self._judge:
                    self._judge.garbage(placed, at_start=False)

    def _replayed(self, corpus: list[bytes], begin: int) -> _SlowInputs:
        """Run what no child with such a heap has run: seeds may crash by themselves. Slow ones leave the corpus."""
        slow = _SlowInputs(self._arena)
        fresh = corpus[begin:]
        del corpus[begin:]
        took = []
        for data in fresh:
            placed = self._as_input(data)
            took.append(slow.note(self._timed(placed)))
            self._arena.take_news()
            if self._judge:
                self._judge.garbage(placed, at_start=False)
        for data, seconds in zip(fresh, took, strict=True):
            if slow.is_slow(seconds):
                self._arena.place(self._as_input(data), at_start=False)
                slow.tell()
            else:
                corpus.append(data)
        corpus[:] = corpus or fresh[:1] or [b""]
        return slow

    def _timed(self, placed: bytes) -> float:
        began = thread_time()  # of the processor: on a busy machine any input takes long by the clock
        self._once(placed, at_start=False)
        return thread_time() - began

    def _as_input(self, data: bytes) -> bytes:
        if self._hooks.fixup:
            data = self._hooks.fixup(data)[: self._job.max_size]
        return as_text(data) if self._text else data

    def _once(self, data: bytes, *, at_start: bool) -> None:
        if self._judge:
            result, *_ = self._judge.run(data, at_start)
        else:
            result = run_sequence(self._sequence, self._arena, data, at_start=at_start)
        if self._hooks.check and (wrong := self._hooks.check(data, result)):
            _tell(self._words, wrong, EXIT_CHECK)

    def _fill(self, byte: int | None) -> None:
        """What the stack holds where a call begins; None for whatever is there."""
        for bound in self._sequence:
            bound.fill = byte

    def _answer(self, data: bytes, at_start: bool) -> Answer:
        """One run, and all of what it gave that a caller sees."""
        result = run_sequence(self._sequence, self._arena, data, at_start=at_start)
        number = result if self._sequence[-1].call.returns in ("int", "double") else None
        cells = [cell.value for bound in self._sequence for cell in bound.stored.values()]
        outs = [(bound.result, area.content()) for bound in self._sequence for area in bound.outs.values()]
        written = b"".join(told_bytes(given, content) for given, content in outs)
        whole = b"".join(content for _, content in outs)
        held = [
            *(bound.result for bound in self._sequence),
            *cells,
            *struct.unpack(f"<{len(whole) // 8}Q", whole[: len(whole) // 8 * 8]),
        ]
        return number, written, tuple(value for value in held if isinstance(value, int))


class _SlowInputs:
    """Tells inputs that take much longer than others: mutating them would take nearly all of the time."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._times: list[float] = []

    def note(self, seconds: float) -> float:
        """An input took so long."""
        self._times.append(seconds)
        return seconds

    def is_slow(self, seconds: float) -> bool:
        """Whether that is much longer than inputs take."""
        return len(self._times) >= _TIMED and seconds >= max(_SLOW_S, _SLOWER * median(self._times))

    def tell(self) -> None:
        """The last input is slow: the tracer keeps it apart."""
        self._arena.tell_slow()
        os.kill(os.getpid(), DEEPER)
