"""The fuzzed child: load, resolve, then mutate, place and call until something stops it. Runs foreign code.

Forked by the worker and killed by it; never returns. Everything it says is said through the arena and by how it dies,
both read from outside.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random
from typing import Final

from loadstone.fuzz.arena import Arena, GuardedArea
from loadstone.fuzz.guarded_heap import GuardedHeap
from loadstone.fuzz.mutate import mutate
from loadstone.fuzz.plan import Argument, Call, Heap, Job, Role

__all__ = ["EXIT_CANNOT_LOAD", "EXIT_DONE", "run_child"]

EXIT_DONE: Final = 0xD0
EXIT_CANNOT_LOAD: Final = 0xD1
"""Exit statuses of our own; the worker believes the first only when the counter agrees."""

_RESULTS: Final = {"int": ctypes.c_int, "pointer": ctypes.c_void_p, "double": ctypes.c_double, "void": None}
_UNDER_EVERY: Final = 4

State = dict[str, int | None]
Maker = Callable[[bytes, int, State], object]


def run_child(job: Job, arena: Arena, corpus: Sequence[bytes], seed: int, words: int) -> None:
    """Load and call for ever, or once for each input when replaying. ``words``: a pipe for what cannot be loaded."""
    try:
        library = ctypes.CDLL(job.library)
        sequence = [_Bound(call, library) for call in job.calls]
    except (OSError, AttributeError) as error:
        os.write(words, str(error).encode(errors="replace")[:4000])
        os._exit(EXIT_CANNOT_LOAD)
    heap = GuardedHeap(exact=job.heap is Heap.EXACT)
    if job.heap is not Heap.PLAIN:
        loaded_at = ctypes.cast(sequence[0].function, ctypes.c_void_p).value or 0
        heap.install(job.heap_slots, loaded_at - job.calls[0].address)
    text = any(a.role is Role.CSTRING for call in job.calls for a in call.arguments)
    os.kill(os.getpid(), signal.SIGSTOP)  # the tracer sets its breakpoints now
    if job.replay:
        for data in job.inputs:
            _run(sequence, arena, data, at_start=job.at_start)
        os._exit(EXIT_DONE)
    _fuzz(job, arena, list(corpus), seed, sequence, text=text)


def _fuzz(job: Job, arena: Arena, corpus: list[bytes], seed: int, sequence: list[_Bound], *, text: bool) -> None:
    random = Random(seed).random  # noqa: S311 - repeatable on purpose
    words, max_size = job.words, job.max_size
    place, take_news = arena.place, arena.take_news
    single = sequence[0].simple if len(sequence) == 1 else None
    for data in corpus[:]:  # once each as they are: seeds may crash by themselves, and set the coverage
        _run(sequence, arena, _as_text(data) if text else data, at_start=False)
        take_news()
    count = 0
    while True:
        data = mutate(random, corpus, words, max_size)
        if text:
            data = _as_text(data)
        count += 1
        at_start = not count % _UNDER_EVERY
        if single is not None:
            single(place(data, at_start=at_start), len(data))
        else:
            _run(sequence, arena, data, at_start=at_start)
        if take_news():
            corpus.append(data[:-1] if text else data)


def _as_text(data: bytes) -> bytes:
    return data.replace(b"\0", b"\1") + b"\0"


class _Bound:
    """A call with its function resolved and a maker for each argument."""

    def __init__(self, call: Call, library: ctypes.CDLL) -> None:
        function = getattr(library, call.symbol)
        function.restype = _RESULTS[call.returns]
        function.argtypes = [_ctype(a) for a in call.arguments]
        self.call = call
        self.function = function
        self.outs = {i: GuardedArea(a.size) for i, a in enumerate(call.arguments) if a.role is Role.OUT}
        self.callback = ctypes.CFUNCTYPE(ctypes.c_int)(lambda *_: 0)
        self.makers = [self._maker(i, a) for i, a in enumerate(call.arguments)]
        roles = tuple(a.role for a in call.arguments)
        self.simple = {
            (Role.BUFFER, Role.LENGTH_OF): function,
            (Role.BUFFER,): lambda address, _: function(address),
            (Role.CSTRING,): lambda address, _: function(address),
            (Role.LENGTH_OF, Role.BUFFER): lambda address, size: function(size, address),
        }.get(roles)

    def _maker(self, position: int, argument: Argument) -> Maker:
        role = argument.role
        if role in (Role.BUFFER, Role.CSTRING):
            return lambda _data, address, _state: address
        if role is Role.INTEGER:
            return lambda data, _address, _state: _integer(data, argument, position)
        if role is Role.CAPACITY_OF:
            return self._capacity(argument)
        if role is Role.HANDLE:
            return lambda _data, _address, state: state.get(argument.slot)
        if role is Role.LENGTH_OF and argument.of not in self.outs:
            return lambda data, _address, _state: len(data)
        fixed = self._fixed(position, argument)
        return lambda _data, _address, _state: fixed

    def _capacity(self, argument: Argument) -> Maker:
        """The address of a number that is the out area's size again before each call."""
        cell = getattr(ctypes, f"c_uint{8 * argument.size}")()
        size = self.outs[argument.of].size

        def make(_data: bytes, _address: int, _state: State) -> int:
            cell.value = size
            return ctypes.addressof(cell)

        return make

    def _fixed(self, position: int, argument: Argument) -> int | None:
        """What is the same in every run: an out area's address or size, a callback, a constant."""
        if argument.role is Role.LENGTH_OF:
            return self.outs[argument.of].size
        if argument.role is Role.OUT:
            return self.outs[position].address
        if argument.role is Role.CALLBACK:
            return ctypes.cast(self.callback, ctypes.c_void_p).value
        return argument.value

    def __call__(self, data: bytes, address: int, state: State) -> object:
        return self.function(*[make(data, address, state) for make in self.makers])


def _ctype(argument: Argument) -> type[ctypes._SimpleCData[int] | ctypes.c_void_p]:
    if argument.role in (Role.INTEGER, Role.LENGTH_OF, Role.CONST):
        name = f"c_{'' if argument.signed else 'u'}int{8 * argument.size}"
        made: type[ctypes._SimpleCData[int]] = getattr(ctypes, name)
        return made
    return ctypes.c_void_p


def _integer(data: bytes, argument: Argument, position: int) -> int:
    """A number out of the input's end; each position takes its own bytes, missing ones are 0."""
    stop = len(data) - 8 * position
    piece = data[max(0, stop - argument.size) : max(0, stop)]
    return int.from_bytes(piece.ljust(argument.size, b"\0"), "little", signed=argument.signed)


def _run(sequence: list[_Bound], arena: Arena, data: bytes, *, at_start: bool) -> None:
    """One run of the whole sequence; repeated calls are fed the input in pieces."""
    address = arena.place(data, at_start=at_start)
    state: State = {}
    for bound in sequence:
        if not bound.call.repeat:
            result = bound(data, address, state)
        else:
            result = 0
            for start, stop in _pieces(data):
                result = bound(data[start:stop], address + start, state)
        if bound.call.into:
            if not result:
                return
            state[bound.call.into] = result if isinstance(result, int) else None


def _pieces(data: bytes) -> list[tuple[int, int]]:
    """The input cut into one to four pieces, by its first byte, so that cutting is part of what is mutated.

    The last piece ends where the input does: against the guard page.
    """
    count = 1 + (data[0] & 3 if data else 0)
    size = len(data)
    cuts = [size * i // count for i in range(count + 1)]
    return list(pairwise(cuts))
