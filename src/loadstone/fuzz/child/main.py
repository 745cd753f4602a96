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
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from statistics import median
from time import thread_time
from typing import Final, NamedTuple, NoReturn

from loadstone.fuzz.child.arena import Arena, GuardedArea
from loadstone.fuzz.child.backtrace import Backtrace
from loadstone.fuzz.child.blocks import BlockTable
from loadstone.fuzz.child.deliver import delivery_of
from loadstone.fuzz.child.guarded_heap import GuardedHeap, HeapError
from loadstone.fuzz.child.hooks import Hooks, load_hooks
from loadstone.fuzz.child.judge import Answer, ReturnJudge
from loadstone.fuzz.child.listener import CompareListener
from loadstone.fuzz.child.mutate import mutate
from loadstone.fuzz.child.stack import StackMark, fill_below
from loadstone.fuzz.parts import as_text, cut
from loadstone.fuzz.plan import Argument, CallPlan, Heap, Job, Role

__all__ = ["DEEPER", "EXIT_CANNOT_LOAD", "EXIT_CHECK", "EXIT_DONE", "EXIT_HEAP", "EXIT_HOOK", "Words", "run_child"]

EXIT_DONE: Final = 0xD0
EXIT_CANNOT_LOAD: Final = 0xD1
EXIT_CHECK: Final = 0xD2
EXIT_HOOK: Final = 0xD3
EXIT_HEAP: Final = 0xD4
"""Exit statuses of our own: every input was replayed, the library cannot be loaded, the user's check found something
wrong, a hook of the user failed, the guarded heap saw an error. The worker believes all but the first only with the
words that belong to them, which come behind the secret of this child."""

DEEPER: Final = signal.SIGWINCH
"""What the child sends itself when an input went deeper; it does nothing where nobody traces."""

_RESULTS: Final = {"int": ctypes.c_int, "pointer": ctypes.c_void_p, "double": ctypes.c_double, "void": None}
_UNDER_EVERY: Final = 4
_TIMED: Final = 3
_SLOW_S: Final = 0.002
_SLOWER: Final = 20
"""An input is slow that takes so many seconds, and so many times the median of at least so many inputs."""

State = dict[str, int | None]
Maker = Callable[[bytes, int, State], object]


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
        sequence = [_Bound(call, library, arena.blocks, job.max_size) for call in job.calls]
    except (OSError, AttributeError) as error:
        _tell(words, str(error), EXIT_CANNOT_LOAD)
    base = (ctypes.cast(sequence[0].function, ctypes.c_void_p).value or 0) - job.calls[0].address
    heap = _guarded(job, arena, base, words) if job.heap is not Heap.PLAIN else None
    listener = CompareListener(words.pipe)
    if job.compare_slots:
        listener.install(job.compare_slots, base)
    try:
        loop = _Loop(job, arena, sequence, load_hooks(job.hooks), words, heap)
        os.kill(os.getpid(), signal.SIGSTOP)  # the tracer sets its breakpoints now
        if job.replay:
            loop.replay(job.inputs)
        else:
            loop.fuzz(list(corpus), begin, tries, seed)
    except Exception:  # noqa: BLE001 - the edge of this process: only hooks are code of others that can raise
        _tell(words, traceback.format_exc(limit=-4), EXIT_HOOK)


def _tell(words: Words, text: str, status: int) -> NoReturn:
    words.say(text)
    os._exit(status)


def _guarded(job: Job, arena: Arena, base: int, words: Words) -> GuardedHeap:
    """The library's imports of malloc and its kin, replaced."""
    passed = frozenset(job.passed)

    def report(error: HeapError) -> None:
        site = (*error.frames, *(arena.blocks.at(error.row).allocated_by if error.row >= 0 else ()), 0)[0]
        if (error.kind, site) not in passed:
            _tell(words, json.dumps(error), EXIT_HEAP)

    heap = GuardedHeap(job.heap, arena.blocks, job.memory, report, Backtrace(job.library, base))
    heap.recording = job.replay or job.recording
    heap.install(job.heap_slots, base)
    return heap


class _Loop:
    """The calls of a child, over and over."""

    def __init__(
        self,
        job: Job,
        arena: Arena,
        sequence: list[_Bound],
        hooks: Hooks,
        words: Words,
        heap: GuardedHeap | None = None,
    ) -> None:
        self._job, self._arena, self._sequence, self._hooks, self._words = job, arena, sequence, hooks, words
        self._text = any(a.role is Role.CSTRING for call in job.calls for a in call.arguments if not call.delivered)
        self._judge = None
        if heap is not None:
            self._judge = ReturnJudge(heap, self._answer, self._fill)

    def replay(self, inputs: Sequence[bytes]) -> None:
        """Each input once, as it is."""
        for data in inputs:
            self._once(data, at_start=self._job.at_start)
        if self._judge and inputs:
            self._judge.garbage(inputs[-1], self._job.at_start)
        os._exit(EXIT_DONE)

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
        mark = StackMark(self._arena.depth)
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
            result = _run(self._sequence, self._arena, data, at_start=at_start)
        if self._hooks.check and (wrong := self._hooks.check(data, result)):
            _tell(self._words, wrong, EXIT_CHECK)

    def _fill(self, byte: int | None) -> None:
        """What the stack holds where a call begins; None for whatever is there."""
        for bound in self._sequence:
            bound.fill = byte

    def _answer(self, data: bytes, at_start: bool) -> Answer:
        """One run, and all of what it gave that a caller sees."""
        result = _run(self._sequence, self._arena, data, at_start=at_start)
        number = result if self._sequence[-1].call.returns in ("int", "double") else None
        areas = [area for bound in self._sequence for area in bound.outs.values()]
        cells = [cell.value for bound in self._sequence for cell in bound.stored.values()]
        written = b"".join(area.content() for area in areas)
        held = [
            *(bound.result for bound in self._sequence),
            *cells,
            *struct.unpack(f"<{len(written) // 8}Q", written[: len(written) // 8 * 8]),
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


class _Bound:
    """A call with its function resolved and a maker for each argument."""

    def __init__(self, call: CallPlan, library: ctypes.CDLL, blocks: BlockTable, most: int) -> None:
        function = getattr(library, call.symbol)
        function.restype = _RESULTS[call.returns]
        function.argtypes = [_ctype(a) for a in call.arguments]
        self.call = call
        self.function = function
        self.result: object = None
        self.fill: int | None = None
        self.outs = {i: GuardedArea(a.size, blocks) for i, a in enumerate(call.arguments) if a.role is Role.OUT}
        self.stored = {slot: ctypes.c_void_p() for slot in call.stored}
        self.texts: dict[str, ctypes.Array[ctypes.c_char]] = {}
        self.callback = ctypes.CFUNCTYPE(ctypes.c_int)(lambda *_: 0)
        self.parts = {i: delivery_of(call.arguments[i], i, most, blocks) for i in call.takers} if call.delivered else {}
        self.given: dict[int, int | None] = {}
        self.makers = [self._maker(i, a) for i, a in enumerate(call.arguments)]
        roles = tuple(a.role for a in call.arguments)
        self.simple = {
            (Role.BUFFER, Role.LENGTH_OF): function,
            (Role.BUFFER,): lambda address, _: function(address),
            (Role.CSTRING,): lambda address, _: function(address),
            (Role.LENGTH_OF, Role.BUFFER): lambda address, size: function(size, address),
        }.get(roles if not (call.repeat or call.into or call.delivered) else ())

    def _maker(self, position: int, argument: Argument) -> Maker:
        role = argument.role
        if position in self.parts:
            return lambda _data, _address, _state: self.given[position]
        if role is Role.LENGTH_OF and argument.of in self.parts:
            return lambda _data, _address, _state: self.parts[argument.of].size
        if role is Role.ONE_OF:
            return lambda data, _address, _state: argument.values[
                _integer(data, replace(argument, signed=False), position) % len(argument.values)
            ]
        if role in (Role.BUFFER, Role.CSTRING):
            return lambda _data, address, _state: address
        if role is Role.INTEGER:
            return lambda data, _address, _state: _integer(data, argument, position)
        if role is Role.CAPACITY_OF:
            return self._capacity(argument)
        if role is Role.HANDLE:
            return lambda _data, _address, state: state.get(argument.slot)
        if role is Role.LENGTH_OF and self.call.area_of(argument) is None:
            return lambda data, _address, _state: len(data)
        if role is Role.OUT:
            return lambda _data, _address, _state: self.outs[position].cleared()
        fixed = self._fixed(argument)
        return lambda _data, _address, _state: fixed

    def _capacity(self, argument: Argument) -> Maker:
        """The address of a number that is the out area's size again before each call."""
        cell = getattr(ctypes, f"c_uint{8 * argument.size}")()
        size = self.call.area_of(argument) or 0

        def make(_data: bytes, _address: int, _state: State) -> int:
            cell.value = size
            return ctypes.addressof(cell)

        return make

    def begin(self) -> None:
        """Nothing is left of an earlier run: no handle where one is stored."""
        for cell in self.stored.values():
            cell.value = None
        for part in self.parts.values():
            part.end()

    def _fixed(self, argument: Argument) -> int | None:
        """What is the same in every run: an out area's size, the address of a handle, a callback, a constant."""
        if argument.role is Role.LENGTH_OF:
            return self.call.area_of(argument)
        if argument.role is Role.INTO:
            return ctypes.addressof(self.stored[argument.slot])
        if argument.role is Role.CALLBACK:
            return ctypes.cast(self.callback, ctypes.c_void_p).value
        if argument.text is not None:
            return ctypes.addressof(
                self.texts.setdefault(argument.text, ctypes.create_string_buffer(argument.text.encode()))
            )
        return argument.value

    def __call__(self, data: bytes, address: int, state: State, *, at_start: bool = False) -> object:
        if self.parts:
            for (position, part), piece in zip(self.parts.items(), cut(data, len(self.parts)), strict=True):
                self.given[position] = part.give(piece, at_start=at_start)
        made = [make(data, address, state) for make in self.makers]
        if self.fill is not None:
            fill_below(self.fill)
        self.result = result = self.function(*made)
        for slot, cell in self.stored.items():
            state[slot] = cell.value
        return result


def _ctype(argument: Argument) -> type[ctypes._SimpleCData[int] | ctypes._SimpleCData[float] | ctypes.c_void_p]:
    if argument.carrier == "pointer":
        return ctypes.c_void_p
    made: type[ctypes._SimpleCData[int] | ctypes._SimpleCData[float]] = getattr(ctypes, f"c_{argument.carrier}")
    return made


def _integer(data: bytes, argument: Argument, position: int) -> int:
    """A number out of the input's end; each position takes its own bytes, missing ones are 0."""
    stop = len(data) - 8 * position
    piece = data[max(0, stop - argument.size) : max(0, stop)]
    return int.from_bytes(piece.ljust(argument.size, b"\0"), "little", signed=argument.signed)


def _run(sequence: list[_Bound], arena: Arena, data: bytes, *, at_start: bool) -> object:
    """One run of the whole sequence, and the last result; repeated calls are fed the input in pieces.

    A handle that is NULL ends the run: what takes it was promised a real one.
    """
    address = arena.place(data, at_start=at_start)
    state: State = {}
    result: object = None
    for bound in sequence:
        bound.begin()
        if not bound.call.repeat:
            result = bound(data, address, state, at_start=at_start)
        else:
            for start, stop in _pieces(data):
                result = bound(data[start:stop], address + start, state, at_start=at_start)
        if bound.call.into:
            state[bound.call.into] = result if isinstance(result, int) else None
        if None in state.values():
            break
    return result


def _pieces(data: bytes) -> list[tuple[int, int]]:
    """The input cut into one to four pieces, by its first byte, so that cutting is part of what is mutated.

    The last piece ends where the input does: against the guard page.
    """
    count = 1 + (data[0] & 3 if data else 0)
    size = len(data)
    cuts = [size * i // count for i in range(count + 1)]
    return list(pairwise(cuts))
