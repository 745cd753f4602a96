"""What ended a child, by ASan's name for it where it is known whose memory was touched.

Decided from what the tracer reads in the stopped child and what the arena shared with it says; nothing is said or kept.
"""

from __future__ import annotations

import json
import os
import signal
from typing import Any, Final, NamedTuple

from loadstone.core.counting import counted
from loadstone.fuzz.child.arena import Arena
from loadstone.fuzz.child.blocks import ROWS, GuardedBlock
from loadstone.fuzz.child.guarded_heap import HeapError
from loadstone.fuzz.worker.tracer import Tracer
from loadstone.fuzz.worker.vitals import in_allocator, taken, wait
from loadstone.probe.observers.snapshot import signal_name

__all__ = ["CRASHES", "Ending", "crash", "heap_error", "stopped_frames"]

CRASHES: Final = frozenset(
    {signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV, signal.SIGSYS}
)
_LOST_WAY: Final = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGTRAP})
_SMASHED: Final = "stack smashing detected"
"""What __stack_chk_fail of glibc and musl says."""
_REFUSED_BLOCK: Final = ("invalid pointer", "invalid size")
"""What glibc says of a block that is none of its own."""
_MOST_FRAMES: Final = 64
_STACK_REACH: Final = 65_536
"""Bytes from the stack pointer within which a fault is the stack's end."""


class Ending(NamedTuple):
    """The kind of a finding, and what a record says of it; ``foreign``: the C library may have got a block of ours."""

    kind: str
    facts: dict[str, Any]
    block: GuardedBlock | None = None
    foreign: bool = False


def crash(traced: Tracer, number: int, arena: Arena, words: str, memory: int) -> Ending:
    """What a signal in a stopped child means; ``words`` it wrote, and ``memory`` in bytes it may have."""
    name = signal_name(number)
    facts: dict[str, Any] = {"signal": name, "frames": traced.frames()}
    if number == signal.SIGSEGV and (past := arena.stack.past(traced.fault_address())) is not None:
        detail = f"{counted(past, 'byte')} past the frames of the call"
        return Ending("stack-buffer-overflow", facts | {"fault": traced.fault_address(), "detail": detail})
    pointer = traced.stack_pointer()
    spoiled = arena.stack.has_lost_its_return(pointer, traced.read)
    if number in _LOST_WAY and (spoiled or traced.returned_nowhere()):
        if spoiled and pointer == arena.stack.top:  # it has returned, and runs anywhere
            facts["frames"] = ()
        return Ending("stack-buffer-overflow", facts | {"detail": "a return address was overwritten"})
    if number == signal.SIGABRT:
        return _gave_up(traced, facts, words, memory)
    if number not in (signal.SIGSEGV, signal.SIGBUS):
        return Ending(name, facts)
    return _touched(traced, number, arena, facts)


def _gave_up(traced: Tracer, facts: dict[str, Any], words: str, memory: int) -> Ending:
    if taken(traced.pid) > memory:  # it got no more
        return Ending("memory", {"frames": facts["frames"]})
    if _SMASHED in words:
        return Ending("stack-buffer-overflow", facts)
    return Ending(facts["signal"], facts, foreign=any(text in words for text in _REFUSED_BLOCK))


def _touched(traced: Tracer, number: int, arena: Arena, facts: dict[str, Any]) -> Ending:
    """Whose memory an address belongs to that could not be accessed."""
    fault = traced.fault_address()
    facts = facts | {"fault": fault}
    if guard := arena.guard_name(fault):
        return Ending("heap-buffer-overflow", facts | {"guard": guard, "detail": arena.distance(fault)})
    foreign = in_allocator(traced.program_counter())  # the C library got a block of ours, or all is in disorder
    if not foreign and (touched := arena.blocks.touched(fault)):
        return Ending(touched.kind, facts | {"detail": touched.detail}, touched.block)
    at_end = number == signal.SIGSEGV and abs(fault - traced.stack_pointer()) < _STACK_REACH
    return Ending("stack-overflow" if at_end else facts["signal"], facts, foreign=foreign)


def heap_error(text: str) -> HeapError | None:
    """What a child of ours said that its heap saw; None where it is no such thing: a library may have found the secret.

    >>> heap_error('["bad-free", "free of it", -1, [4096]]')
    HeapError(kind='bad-free', detail='free of it', row=-1, frames=(4096,))
    >>> heap_error('["bad-free", "free of it", -1, [[4096]]]')
    """
    try:
        kind, detail, row, frames = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = isinstance(kind, str) and isinstance(detail, str)
    if not texts or type(row) is not int or not isinstance(frames, list):
        return None
    if len(frames) > _MOST_FRAMES or not all(type(frame) is int and 0 <= frame < 1 << 63 for frame in frames):
        return None
    return HeapError(kind, detail, row if 0 <= row < ROWS else -1, tuple(frames))


def stopped_frames(traced: Tracer) -> tuple[int, ...]:
    """The frames of a child that runs on: stop it, look, leave it to be killed."""
    os.kill(traced.pid, signal.SIGSTOP)
    stop = wait(traced.pid, 1.0)
    return traced.frames() if stop.signal is not None else ()
