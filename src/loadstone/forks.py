"""Work shared with copies of this process, which have all that it has: only what they made is sent back.

The parts of the work are numbered, and the numbers wait in a pipe from which this process and its copies take one after
another, so that nobody is idle while there are some left. A copy keeps what it made and sends it at its end. What a
copy did not do, because it was killed, failed or made something that cannot be sent, this process does itself: so work
that fails does so here, with its own error.

Where a process cannot be copied, or must not be (Windows; macOS, whose frameworks forbid it; while other threads run,
whose locks nobody would release in the copy), this process does everything. Source: fork(2), pipe(7).
"""

from __future__ import annotations

import copyreg
import io
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

__all__ = ["forked"]

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")

_PARTS: Final = 1000
"""Parts that work is cut into at most: their numbers, of four bytes each, fit in the smallest pipe there is."""

_NUMBER: Final = 4
_LENGTH: Final = 8
_LEAST_S: Final = 1e-6
"""An interval timer that is set to 0 would never ring."""


def forked(
    do: Callable[[_Item], _Made], items: Sequence[_Item], *, processes: int, alike: Collection[object] = ()
) -> list[_Made]:
    """``do`` of each item, in the order of the items, done by up to ``processes`` processes.

    Args:
        do: is run in this process or in a copy of it; what it changes there is not seen here.
        items: are begun in this order.
        processes: how many work at once, this one included.
        alike: objects that results refer to and that a copy has as well: they are not sent, and stay the same objects.

    A limit of processor time that an interval timer keeps (``ITIMER_PROF``) is one for all processes together.

    >>> forked(abs, [-1, 2, -3], processes=1)
    [1, 2, 3]
    """
    parts = min(len(items), _PARTS)
    if processes < 2 or parts < 2 or not _may_fork():
        return [do(item) for item in items]

    def one(part: int) -> list[_Made]:
        return [do(item) for item in items[part::parts]]

    known = {id(thing): thing for thing in alike}
    waiting = _numbers(parts)
    copies: list[_Copy] = []
    try:
        copies += (_Copy(one, waiting, known) for _ in range(min(processes, parts) - 1))
        done = {part: one(part) for part in _taken(waiting)}
        for copy in copies:
            done |= copy.made(known)
    finally:
        os.close(waiting)
        for copy in copies:
            copy.end()
    for part in range(parts):
        if part not in done:
            done[part] = one(part)
    return [done[number % parts][number // parts] for number in range(len(items))]


def _may_fork() -> bool:
    alone = threading.active_count() == 1 and threading.current_thread() is threading.main_thread()
    return hasattr(os, "fork") and sys.platform != "darwin" and alone


def _numbers(parts: int) -> int:
    """The end of a pipe from which the numbers of the parts can be read, and then nothing more."""
    reading, writing = os.pipe()
    os.write(writing, b"".join(part.to_bytes(_NUMBER, "little") for part in range(parts)))
    os.close(writing)
    return reading


def _taken(waiting: int) -> Iterator[int]:
    while number := os.read(waiting, _NUMBER):
        yield int.from_bytes(number, "little")


class _Copy:
    """A copy of this process that takes parts as this one does."""

    def __init__(self, one: Callable[[int], object], waiting: int, known: Mapping[int, object]) -> None:
        self._reading, writing = os.pipe()
        left = signal.getitimer(signal.ITIMER_PROF)[0]
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process = os.fork()
            if not self._process:
                _work(one, waiting, writing, known, left)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.close(writing)

    def made(self, known: Mapping[int, object]) -> dict[int, Any]:
        """What it made, by part, when it has ended; its processor time is taken off what this process may use."""
        with open(self._reading, "rb", closefd=False) as stream:
            sent = stream.read()
        used = self.end()
        left = signal.getitimer(signal.ITIMER_PROF)[0]
        if left:
            signal.setitimer(signal.ITIMER_PROF, max(left - used, _LEAST_S))
        found: dict[int, Any] = {}
        start = 0
        while len(size := sent[start : start + _LENGTH]) == _LENGTH:
            end = start + _LENGTH + int.from_bytes(size, "little")
            if end <= len(sent):
                part, results = _Reader(io.BytesIO(sent[start + _LENGTH : end]), known).load()
                found[part] = results
            start = end
        return found

    def end(self) -> float:
        """It is gone, and gone from the table of processes; the processor time it took, 0 when it had gone before."""
        if not self._process:
            return 0.0
        os.close(self._reading)
        os.kill(self._process, signal.SIGKILL)  # without effect on one that has ended
        used = os.wait4(self._process, 0)[2]
        self._process = 0
        return used.ru_utime + used.ru_stime


def _work(
    one: Callable[[int], object], waiting: int, writing: int, known: Mapping[int, object], left: float
) -> None:  # pragma: no cover - ends without telling anybody which lines were run
    """The life of a copy. It never returns, and nothing that goes wrong in it is heard of: the part is done again."""
    parent = os.getppid()
    sent = io.BytesIO()
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that was started; it ends the others
        if left:
            signal.setitimer(signal.ITIMER_PROF, left)  # a copy has none (fork(2))
        for part in _taken(waiting):
            if os.getppid() != parent:
                break
            made = io.BytesIO()
            _Writer(made, known).dump((part, one(part)))
            sent.write(made.tell().to_bytes(_LENGTH, "little") + made.getvalue())
    except BaseException:  # noqa: BLE001, S110 - time is up, memory is short, a part fails: see above
        pass
    finally:
        try:
            signal.setitimer(signal.ITIMER_PROF, 0)
            with open(writing, "wb", closefd=False) as stream:
                stream.write(sent.getbuffer())
        finally:
            os._exit(0)


class _Writer(pickle.Pickler):
    """Sends what both processes have as its number."""

    def __init__(self, stream: io.BytesIO, known: Mapping[int, object]) -> None:
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        kinds = {type(thing) for thing in known.values()}
        self.dispatch_table = {**copyreg.dispatch_table, **dict.fromkeys(kinds, self._reduced)}
        self._known = known

    def _reduced(self, thing: object) -> Any:
        if self._known.get(id(thing)) is thing:
            return _same, (id(thing),)
        return thing.__reduce_ex__(pickle.HIGHEST_PROTOCOL)


class _Reader(pickle.Unpickler):
    """Reads what a copy of this process has sent."""

    def __init__(self, stream: io.BytesIO, known: Mapping[int, object]) -> None:
        super().__init__(stream)
        self._known = known

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == (_same.__module__, _same.__qualname__):
            return self._known.__getitem__
        return super().find_class(module, name)


def _same(number: int) -> object:
    """Stands in what is sent for an object that both processes have."""
    raise LookupError(number)
