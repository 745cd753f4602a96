"""The parent's end of a worker: start it, give it a job, read its records, and never leave it behind."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from loadstone.errors import ProbeFailed
from loadstone.fuzz.plan import Job, SharedInput
from loadstone.fuzz.records import CannotLoad, Done, HookFailed, Record, RefusedRecord, read_record

__all__ = ["Worker", "listen"]

_ROOT: Final = str(Path(__file__).parents[2])
_BOOT: Final = (
    "import sys; sys.path.insert(0, sys.argv[2]); from loadstone.fuzz.worker.main import main; main(int(sys.argv[1]))"
)
_MAX_LINE: Final = 64 << 20
_DYING_S: Final = 5.0


class Worker:
    """A worker process at one job. Use as a context manager: leaving kills it, by its process id, if it still lives."""

    def __init__(self, job: Job) -> None:
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BOOT, str(theirs.fileno()), _ROOT],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={},
                start_new_session=True,  # a Ctrl-C at the terminal is for the parent, who ends it in order
            )
        except OSError as error:
            ours.close()
            raise ProbeFailed(reason=f"the worker process could not be started: {error}") from error
        finally:
            theirs.close()
        self._channel = ours
        self._buffer = b""
        self._outgoing = bytearray()
        self.forged: int = 0
        self.done: bool = False
        try:
            self.give(job)
        except ProbeFailed as error:  # it died before it had read its job
            words = self.last_words()
            self.close()
            raise ProbeFailed(reason=f"the worker process ended at its start: {words or error.reason}") from error

    def give(self, job: Job) -> None:
        """Hand it a job: the first, or the next when :attr:`done` says that the last one came to its end."""
        self.done = False
        try:
            self._channel.sendall(job.to_json().encode() + b"\n")
        except OSError as error:
            raise ProbeFailed(reason=f"the worker process ended by itself: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the worker with everything it started, and reap it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._channel.close()

    def records(self, limit: float) -> Iterator[Record | None]:
        """What the worker says, as it says it, until it is done or ``limit`` seconds are over: :func:`listen`."""
        return (record for _, record in listen([self], limit))

    def share(self, data: bytes, block: int) -> None:
        """Tell it of an input that reached a block elsewhere. Never waits: what it does not take yet is kept."""
        self._outgoing += SharedInput(share=data, block=block).to_json().encode() + b"\n"
        if len(self._outgoing) > _MAX_LINE:
            self._outgoing.clear()

    def flush(self) -> None:
        """Send what :meth:`share` kept, as much as it takes now."""
        with suppress(OSError):  # it has ended, or takes nothing now
            sent = self._channel.send(self._outgoing, socket.MSG_DONTWAIT)
            del self._outgoing[:sent]

    def read(self) -> list[Record] | None:
        """What it has said by now; None when it has ended. Lines that no worker says are counted as ``forged``."""
        try:
            piece = self._channel.recv(1 << 16)
        except ConnectionResetError:  # it died with words of ours unread
            return None
        if not piece or len(self._buffer) > _MAX_LINE:
            return None
        *lines, self._buffer = (self._buffer + piece).split(b"\n")
        said = [read_record(line) for line in lines]
        self.forged += said.count(None)
        found = [record for record in said if record is not None]
        self.done = self.done or any(isinstance(record, Done) for record in found)
        return found

    def fileno(self) -> int:
        """Of the channel, for select(2)."""
        return self._channel.fileno()

    @property
    def waits(self) -> bool:
        """Whether something is kept for it."""
        return bool(self._outgoing)

    def last_words(self) -> str:
        """What a worker that died on its own wrote to standard error; one that still runs is given a moment to die."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_DYING_S)
        assert self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)  # type: ignore[attr-defined,unused-ignore]
        return (self._process.stderr.read() or b"").decode(errors="replace")[-2000:]


def listen(workers: Sequence[Worker], limit: float) -> Iterator[tuple[int, Record | None]]:
    """What workers say, with who said it, until each is done or has ended, or ``limit`` seconds have passed.

    (0, None) is yielded once a second when nothing is said, so that the caller can look at its clock.
    """
    end = time.monotonic() + limit
    left = list(workers)
    while left and (wait := end - time.monotonic()) > 0:
        readable, writable, _ = select.select(left, [w for w in left if w.waits], [], min(wait, 1.0))
        for worker in writable:
            worker.flush()
        if not readable:
            yield 0, None
        for worker in readable:
            said = worker.read()
            for record in said or ():
                yield workers.index(worker), record
                if isinstance(record, Done | CannotLoad | HookFailed | RefusedRecord):
                    left.remove(worker)
                    break
            if said is None:
                left.remove(worker)
